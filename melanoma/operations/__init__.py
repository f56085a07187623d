"""Preflight checks, forecast and erasure."""
