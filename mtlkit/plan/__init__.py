"""From a recipe and a catalog to the plan of a run, and from a plan and a table of weights to its timeline."""
