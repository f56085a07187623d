"""Preflight checks, the forecast of a run, and the erasure of photographs."""
