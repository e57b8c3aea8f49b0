"""What a run leaves behind: its directory, its trackers, its result."""
