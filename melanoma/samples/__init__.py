"""Synthetic pictures for a first run and for golden samples; no photograph is used."""
