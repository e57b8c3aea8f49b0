"""The regularizer `mixout` (Lee, Cho & Kang 2020, equation 5)."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from mtlkit.builtin.regularizers.options import Mixout
from mtlkit.contracts.regularizer import Mixed, Pulled


class MixoutRegularizer:
    """In a forward pass each number w is w₀ with probability p; scaled so that its expectation is w.

    With a mask m of ones where w is kept, w' = w₀ + m·(w - w₀)/(1 - p): dropout around w₀ instead of 0.
    """

    fisher_rows = 0

    def __init__(self, options: Mixout) -> None:
        self.p = options.p

    def penalty(self, weights: Sequence[Pulled]) -> Tensor | None:
        """No penalty."""
        return None

    def mix(self, weight: Pulled, generator: Generator) -> Mixed | None:
        """The mixed weight, and m/(1 - p) for its gradient."""
        drawn = torch.rand(weight.start.shape, generator=generator, device=weight.start.device)
        kept = (drawn >= self.p) / (1 - self.p)
        return Mixed(
            weight.start + kept.to(weight.start.dtype) * (weight.value.detach() - weight.start), kept
        )
