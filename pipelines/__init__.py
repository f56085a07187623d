"""Beam: PTransforms that wire the functions of `melanoma`; each is usable on its own."""
