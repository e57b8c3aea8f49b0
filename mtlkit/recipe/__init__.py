"""Recipe text to `Recipe`: every problem at once, each with its place and what would be right."""
