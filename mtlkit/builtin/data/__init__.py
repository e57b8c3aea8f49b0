"""Data sources: files, folders and hub data sets as rows by number."""
