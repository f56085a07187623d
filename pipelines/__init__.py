"""Beam transforms that wire the functions of `melanoma`; each can be used on its own."""
