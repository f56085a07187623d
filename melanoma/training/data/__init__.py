"""From labelled photographs to augmented batches."""
