"""The actions of `melanoma table` that delete something, and what all its actions share."""
