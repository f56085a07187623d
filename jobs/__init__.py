"""People: arguments, progress, exit codes."""
