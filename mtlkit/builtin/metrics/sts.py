"""Semantic textual similarity: cosines of two texts' vectors against the scores that people gave.

Shapes: N rows of an evaluation set, D size of the vectors.
"""

from __future__ import annotations

import numpy as np

SHORTEST = 1e-12


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The cosine [N] of each pair of vectors [N, D]; 0 where one of them is 0."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    lengths = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    found: np.ndarray = (first * second).sum(-1) / np.maximum(lengths, SHORTEST)
    return found
