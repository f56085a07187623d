"""Scores lesion photographs with a bundled network, and keeps the score table. Nothing here is a diagnosis."""

__version__ = "0.1.0"
