"""Probabilities, thresholds and the out-of-distribution score, chosen on validation."""
