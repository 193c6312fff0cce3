# ira for fish: it asks the binary, so it cannot go stale.
# Save as ~/.config/fish/completions/ira.fish.
COMPLETE=fish ira | source
