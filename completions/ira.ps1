# ira for PowerShell: it asks the binary, so it cannot go stale.
# Put this into $PROFILE.
$env:COMPLETE = "powershell"; ira | Out-String | Invoke-Expression; Remove-Item Env:\COMPLETE
