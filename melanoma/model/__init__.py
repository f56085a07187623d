"""The model bundle: description, static scan, golden samples, engine and decision rule."""
