"""Linear models of vectors, fitted to the end: ridge in closed form, logistic regression by L-BFGS.

Shapes: N rows, D size of a vector, K outputs.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
ABSENT = -1e4
"""The bias of a class that no row has."""


@frozen(eq=False)
class Line:
    """`weight` [K, D] and `bias` [K] of vectors as they are."""

    weight: Array
    bias: Array

    def of_raw(self, mean: Array, spread: Array) -> Line:
        """The same line for vectors before `mean` [D] was taken off and they were divided by `spread` [D]."""
        weight = self.weight / spread
        return Line(weight, self.bias - weight @ mean)


def scales(vectors: Array) -> tuple[Array, Array]:
    """Mean [D] and standard deviation [D] of vectors [N, D]; 1 where a dimension is constant."""
    spread = vectors.std(0)
    return vectors.mean(0), np.where(spread > 1e-12, spread, 1.0)


def ridge(vectors: Array, wanted: Array, strength: float) -> Line:
    """The line w, b with the least |X w + b - y|² + strength · |w|² for each column y of `wanted` [N, K].

    Hoerl and Kennard 1970: w = (Xᵀ X + strength · I)⁻¹ Xᵀ y of centred X and y.
    """
    middle, level = vectors.mean(0), wanted.mean(0)
    centred = vectors - middle
    gram = centred.T @ centred + strength * np.eye(vectors.shape[1])
    weight = np.linalg.solve(gram, centred.T @ (wanted - level)).T
    return Line(weight, level - weight @ middle)


def logistic(vectors: Array, numbers: np.ndarray, classes: int, strength: float) -> Line:
    """Logistic regression: the lines with the least -Σ log softmax(score)_y + strength · |w|² / 2.

    Of two classes the first has the line 0, as in scikit-learn's. A class without rows, and every class
    where there is but one, is told apart by its bias alone. Solved by SciPy's L-BFGS-B.
    """
    from scipy.optimize import minimize

    found, own = np.unique(numbers, return_inverse=True)
    weight, bias = np.zeros((classes, vectors.shape[1])), np.full(classes, ABSENT)
    bias[found] = 0.0
    lines = len(found) if len(found) > 2 else len(found) - 1
    if lines:
        right = np.eye(len(found))[own]
        start = np.zeros(lines * (vectors.shape[1] + 1))
        told = {"maxiter": 2000, "maxfun": 4000, "gtol": 1e-6, "ftol": 1e-13}
        solved = minimize(
            _cross_entropy, start, (vectors, right, strength), "L-BFGS-B", jac=True, options=told
        )
        table = solved.x.reshape(lines, -1)
        weight[found[-lines:]], bias[found[-lines:]] = table[:, :-1], table[:, -1]
    return Line(weight, bias)


def _cross_entropy(flat: Array, vectors: Array, right: Array, strength: float) -> tuple[float, Array]:
    """The loss and its gradient at `flat`, the weights and the bias of each line after another."""
    from scipy.special import logsumexp

    table = flat.reshape(-1, vectors.shape[1] + 1)
    weight = table[:, :-1]
    scores = vectors @ weight.T + table[:, -1]
    if len(table) < right.shape[1]:
        scores = np.concatenate([np.zeros((len(scores), 1)), scores], 1)
    logs = scores - logsumexp(scores, axis=1, keepdims=True)
    gaps = (np.exp(logs) - right)[:, -len(table) :]
    slopes = np.concatenate([gaps.T @ vectors + strength * weight, gaps.sum(0)[:, None]], 1)
    return float(strength / 2 * (weight**2).sum() - (logs * right).sum()), slopes.ravel()
