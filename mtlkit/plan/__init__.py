"""From a recipe and a catalog to a plan, and from a plan and a table of weights to its timeline."""
