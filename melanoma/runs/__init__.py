"""One run: planning, ledger, staging, commit, heartbeats, recovery and history."""
