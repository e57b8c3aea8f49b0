"""Backbones: from rows of text to features."""
