"""Measurements of mtlkit, run in the environment that has it."""
