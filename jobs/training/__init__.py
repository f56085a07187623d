"""The training command: its flags, the options that they make, and the checks before it starts."""
