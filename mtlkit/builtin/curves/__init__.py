"""Factors on every rate over the time of a run."""
