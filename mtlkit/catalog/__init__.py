"""Entry points to cards, and tables to option objects."""
