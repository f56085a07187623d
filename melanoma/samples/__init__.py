"""Synthetic photographs for a first try and for golden samples; none shows a patient."""
