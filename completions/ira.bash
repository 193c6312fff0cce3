# ira for bash: it asks the binary, so it cannot go stale.
# Save as ~/.local/share/bash-completion/completions/ira, or put the last line into ~/.bashrc.
eval "$(COMPLETE=bash ira)"
