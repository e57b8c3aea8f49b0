"""The best answer in a text: where it begins and ends.

Shapes: n tokens of the text.
"""

from __future__ import annotations

import numpy as np


def best_answer(
    starts: np.ndarray, ends: np.ndarray, spans: np.ndarray, longest: int
) -> tuple[int, int, float] | None:
    """Begin and end in characters of the answer with the highest sum of scores, and this sum.

    `starts` and `ends` [n] score each token as the first and as the last of an answer, `spans` [n, 2] say
    where tokens begin and end. Tokens may come in any order, and one several times, as where a long text was
    read in overlapping windows: it has its best scores then. An answer has at most `longest` tokens. Of
    equal sums the first and then the shorter answer is best. None where there is no token.
    """
    if not len(spans):
        return None
    places, numbers = np.unique(spans, axis=0, return_inverse=True)
    first, last = (np.full(len(places), -np.inf) for _ in range(2))
    np.maximum.at(first, numbers.reshape(-1), starts)
    np.maximum.at(last, numbers.reshape(-1), ends)
    width = min(longest, len(places))
    behind = np.concatenate([last, np.full(width - 1, -np.inf)])
    sums = first[:, None] + np.lib.stride_tricks.sliding_window_view(behind, width)
    begin, more = divmod(int(sums.argmax()), width)
    # Tokens that share characters may be ordered by begin and not by end.
    end = int(places[begin : begin + more + 1, 1].max())
    return int(places[begin, 0]), end, float(sums[begin, more])
