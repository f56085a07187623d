"""The nightly run: checks, pipeline, progress, summary and what it publishes."""
