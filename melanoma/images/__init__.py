"""Untrusted bytes to pixels: header check, decoding and orientation; and pixels to bytes."""
