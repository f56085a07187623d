"""Network architectures in plain Keras 3, and their ImageNet weights."""
