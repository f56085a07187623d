"""Figures of merit, with their sources and confidence intervals."""
