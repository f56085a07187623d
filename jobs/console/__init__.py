"""What every command shares: flags, exit codes, log levels, signals and standard output."""
