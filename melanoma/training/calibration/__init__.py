"""Calibration, thresholds and the out-of-distribution score, fitted on validation photographs."""
