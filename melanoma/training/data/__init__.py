"""Augmented training batches: augmentation policies, sampling, mixup, and exports for inspection."""
