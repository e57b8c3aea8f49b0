"""Sizes of all generated models."""

HIDDEN = 4
VOCABULARY = 8
