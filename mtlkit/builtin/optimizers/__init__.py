"""Optimizers of torch, and which weights they let decay."""
