"""From a trained network to a bundle with its model card."""
