# ira for elvish: it asks the binary, so it cannot go stale.
# Put this into ~/.config/elvish/rc.elv.
eval ({ tmp E:COMPLETE = elvish; ira } | slurp)
