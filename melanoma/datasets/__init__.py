"""Labelled photographs: reading them, cleaning them, and splitting them into training, validation and test."""
