"""The bundle: description, static scan, golden check, engine and decision rule."""
