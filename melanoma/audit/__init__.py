"""Checks labelled data for duplicates, contradictory labels and leaks between the parts of a split."""
