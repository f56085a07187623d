"""From labelled photographs to a bundle: data, splits, augmentation, networks, training."""
