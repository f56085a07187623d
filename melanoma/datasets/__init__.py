"""Labelled photographs: where they lie, which can be trusted, and how they are split."""
