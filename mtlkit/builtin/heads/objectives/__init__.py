"""Objectives of the head `sentence-embedding`: losses of vectors, one algorithm a file, pure functions."""
