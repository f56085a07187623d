"""What an evaluation reads: predictions, ground truth, and the photographs a model was trained on."""
