"""The regularizer `ewc`, elastic weight consolidation (Kirkpatrick et al. 2017, equation 3)."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from mtlkit.builtin.regularizers.options import Ewc
from mtlkit.contracts.regularizer import Mixed, Pulled


class EwcRegularizer:
    """Adds strength/2 · Σ F·(w - w₀)², F the diagonal of the empirical Fisher information at w₀.

    The paper takes F from the task learned before. Here it comes from the training rows of this run, with
    the heads as they are at its start: what the features already depend on is held harder.
    """

    def __init__(self, options: Ewc) -> None:
        self.strength = options.strength
        self.fisher_rows = options.rows

    def penalty(self, weights: Sequence[Pulled]) -> Tensor | None:
        """The penalty of all weights together."""
        terms = [
            (weight.importance * (weight.value - weight.start).abs().square()).sum()
            for weight in weights
            if weight.importance is not None
        ]
        return torch.stack(terms).sum() * (self.strength / 2) if terms else None

    def mix(self, weight: Pulled, generator: Generator) -> Mixed | None:
        """No weight is replaced."""
        return None
