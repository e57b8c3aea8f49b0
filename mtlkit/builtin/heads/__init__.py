"""Heads: one module per task on top of the shared features."""
