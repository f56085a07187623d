"""What a labelled data set hides: copies, near duplicates, contradictory labels, leaking splits."""
