"""Retrieval of a row of the same group among all other rows of the evaluation set.

Shapes: N rows of an evaluation set.
"""

from __future__ import annotations

import numpy as np


def group_ranks(nearness: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The rank [N], from 1, of each row's nearest other row of its group among all other rows.

    `nearness` is [N, N], `groups` [N]. A row of another group that is as near stands before it; a row that is
    alone in its group ranks last.
    """
    itself = np.eye(len(groups), dtype=bool)
    same = (groups[:, None] == groups[None, :]) & ~itself
    best = np.where(same, nearness, -np.inf).max(1, initial=-np.inf)
    before = (nearness >= best[:, None]) & ~same & ~itself
    found: np.ndarray = before.sum(1) + 1
    return found
