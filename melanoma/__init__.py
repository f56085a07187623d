"""Lesion photographs, networks, bundles and the score table. Nothing here diagnoses anybody."""

__version__ = "0.1.0"
