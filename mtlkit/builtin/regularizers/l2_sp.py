"""The regularizer `l2-sp` (Li, Grandvalet & Davoine 2018, equation 2, without the term on new weights)."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from mtlkit.builtin.regularizers.options import L2Sp
from mtlkit.contracts.regularizer import Mixed, Pulled


class L2SpRegularizer:
    """Adds strength/2 · Σ(w - w₀)²; weight decay pulls towards 0, this towards the pre-trained value."""

    fisher_rows = 0

    def __init__(self, options: L2Sp) -> None:
        self.strength = options.strength

    def penalty(self, weights: Sequence[Pulled]) -> Tensor | None:
        """The penalty of all weights together."""
        if not weights:
            return None
        distances = [(weight.value - weight.start).abs().square().sum() for weight in weights]
        return torch.stack(distances).sum() * (self.strength / 2)

    def mix(self, weight: Pulled, generator: Generator) -> Mixed | None:
        """No weight is replaced."""
        return None
