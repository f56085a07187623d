"""The report of a run: what it did, whether the counts add up, and whether its predictions drift."""
