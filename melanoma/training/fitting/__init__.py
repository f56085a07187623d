"""Preparation of the data, recipes, and the training loop."""
