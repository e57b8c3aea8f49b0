"""Length buckets: an order of rows in which those of one forward pass are of like length.

Shuffled rows are cut into windows, those of a window sorted by length and cut into buckets, and the buckets
of all windows shuffled (Khomenko et al. 2016, arXiv:1708.05604). Within a window of some 50 buckets the
lengths of a bucket are nearly equal, and still other rows come together in every pass.
"""

from collections.abc import Callable, Sequence

import numpy as np

WINDOW = 50
FEWEST_WINDOWS = 4


def bucketed(
    shuffled: np.ndarray,
    lengths: Sequence[int],
    size: int,
    before: int,
    permutation: Callable[[int], np.ndarray],
) -> np.ndarray:
    """The rows of a pass, shuffled, in the order of buckets of `size` rows: each of them once.

    `before` rows were taken before the pass: buckets end where batches of the whole stream do, so the first
    and the last may be smaller, and have rows of any length. `permutation(n)` is a random order of 0…n-1.
    Where there are fewer than 8 whole buckets, rows stay as they are: sorted all together, the same ones
    would meet in every pass.
    """
    head = min(-before % size, len(shuffled))
    count = (len(shuffled) - head) // size
    windows = max(FEWEST_WINDOWS, -(-count // WINDOW))
    if count < 2 * windows:
        return shuffled
    end = head + count * size
    known = np.asarray(lengths)
    rows = shuffled[head:end].reshape(count, size)
    buckets = [_sorted(window.ravel(), known).reshape(-1, size) for window in np.array_split(rows, windows)]
    order = np.concatenate(buckets)[permutation(count)].ravel()
    return np.concatenate([shuffled[:head], order, shuffled[end:]])


def _sorted(rows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """By length; those of equal length stay in their order."""
    found: np.ndarray = rows[np.argsort(lengths[rows], kind="stable")]
    return found
