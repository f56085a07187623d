"""HTML reports of an evaluation, a comparison and an agreement."""
