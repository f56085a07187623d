"""Turns untrusted bytes into pixels: header check, decoding and orientation; and pixels into files."""
