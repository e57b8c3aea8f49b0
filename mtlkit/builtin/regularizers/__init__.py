"""Soft freezing."""
