"""Policies that say which weights train when."""
