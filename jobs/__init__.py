"""The commands: each turns its arguments into a frozen dataclass, does its work in `melanoma`, and prints."""
