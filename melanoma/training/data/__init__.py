"""Augmented training batches: augmentation policies, sampling, mixup, and exports for people to look at."""
