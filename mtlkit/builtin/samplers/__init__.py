"""How many rows of each source a step takes."""
