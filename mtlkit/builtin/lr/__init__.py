"""Schedules that say how fast each group of weights learns."""
