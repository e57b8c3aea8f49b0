"""Linear models of vectors, fitted to the end: ridge in closed form, logistic regression by scikit-learn.

Shapes: N rows, D size of a vector, K outputs.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


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
    """Logistic regression of class numbers [N] with the penalty strength · |w|² / 2.

    A class without rows, and every class where there is but one, is told apart by its bias alone.
    """
    from sklearn.linear_model import LogisticRegression

    found = np.unique(numbers)
    weight, bias = np.zeros((classes, vectors.shape[1])), np.full(classes, -1e4)
    bias[found] = 0.0
    if len(found) > 1:
        model = LogisticRegression(C=1 / strength, max_iter=2000, tol=1e-6).fit(vectors, numbers)
        line, level = model.coef_, model.intercept_
        if len(found) == 2:  # scikit-learn keeps one line for two classes: the second's against the first's
            line, level = np.stack([-line[0], line[0]]) / 2, np.stack([-level[0], level[0]]) / 2
        weight[found], bias[found] = line, level
    return Line(weight, bias)
