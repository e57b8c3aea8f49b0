"""The highest-scoring dependency tree with one root (Chu & Liu 1965; Edmonds 1967).

Words are numbered from 1; 0 is the root. Shapes: n words.
"""

from __future__ import annotations

import numpy as np

NEVER = -np.inf


def best_tree(scores: np.ndarray) -> np.ndarray:
    """The head [n] of each word in the tree with the highest sum of scores and a single child of the root.

    `scores` [n, n+1] hold at (d, h) how well word h suits word d+1 as its head. They must be finite; a word
    is never its own head. Every child of the root but the best is forbidden by a cost larger than all sums
    of scores (the reduction in Stanojević & Cohen 2021, section 3), so one run of the algorithm is enough.
    """
    words = len(scores)
    if words == 0:
        return np.zeros(0, np.int64)
    arcs = np.zeros((words + 1, words + 1))
    arcs[1:] = scores
    spread = float(arcs[1:].max() - arcs[1:].min()) + 1.0
    arcs[1:, 0] -= words * spread
    np.fill_diagonal(arcs, NEVER)
    arcs[0] = NEVER
    found: np.ndarray = _arborescence(arcs)[1:]
    return found


def greedy(scores: np.ndarray) -> np.ndarray:
    """The best head [n] of each word for itself, which need not be a tree; scores as in `best_tree`."""
    arcs = scores.astype(np.float64)
    words = len(arcs)
    arcs[np.arange(words), np.arange(1, words + 1)] = NEVER
    best: np.ndarray = arcs.argmax(1)
    return best


def _arborescence(arcs: np.ndarray) -> np.ndarray:
    """The best head of every node but 0, of `arcs` [m, m] where (d, h) is the score of the arc h → d."""
    heads: np.ndarray = arcs.argmax(1)
    heads[0] = 0
    cycle = _cycle(heads)
    if cycle is None:
        return heads
    kept = np.setdiff1d(np.arange(len(arcs)), cycle)
    # The cycle becomes one node, the last. Entering it at d gains arcs[d, h] and loses what d had in it.
    inside = arcs[cycle, heads[cycle]]
    entering = arcs[np.ix_(cycle, kept)] - inside[:, None]
    leaving = arcs[np.ix_(kept, cycle)]
    smaller = np.full((len(kept) + 1,) * 2, NEVER)
    smaller[:-1, :-1] = arcs[np.ix_(kept, kept)]
    smaller[-1, :-1] = entering.max(0)
    smaller[:-1, -1] = leaving.max(1)
    found = _arborescence(smaller)
    answer: np.ndarray = heads.copy()
    from_cycle = found[:-1] == len(kept)
    answer[kept] = np.where(from_cycle, cycle[leaving.argmax(1)], kept[np.minimum(found[:-1], len(kept) - 1)])
    answer[0] = 0
    origin = found[-1]
    entered = cycle[entering[:, origin].argmax()]
    answer[entered] = kept[origin]
    return answer


def _cycle(heads: np.ndarray) -> np.ndarray | None:
    """The nodes of a cycle, or None where every node reaches 0."""
    colour = np.zeros(len(heads), np.int64)
    colour[0] = -1
    for start in range(1, len(heads)):
        node, path = start, []
        while colour[node] == 0:
            colour[node] = start
            path.append(node)
            node = int(heads[node])
        if colour[node] == start:
            return np.asarray(path[path.index(node) :])
        colour[path] = -1
    return None
