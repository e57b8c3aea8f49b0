"""Measurements of other libraries, run in an environment that need not have mtlkit."""
