"""What a plugin author reads: cards, tables, clocks, events and one contract per kind of plugin."""
