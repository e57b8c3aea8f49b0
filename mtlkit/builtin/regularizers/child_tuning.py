"""The regularizer `child-tuning` (Xu et al. 2021, "Raise a child in large language model", equations 4–8)."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from mtlkit.builtin.regularizers.options import ChildTuning
from mtlkit.contracts.regularizer import Mixed, Pulled


class ChildTuningRegularizer:
    """Only a part of each weight's numbers gets a gradient: the child network.

    `free` draws the part anew in every forward pass and divides the gradient by its share (Child-Tuning_F).
    `driven` takes the numbers that the loss depends on most at the start, by Fisher information
    (Child-Tuning_D); the paper ranks the numbers of all weights together, here each weight keeps its share.
    """

    def __init__(self, options: ChildTuning) -> None:
        self.share, self.driven = options.share, options.mode == "driven"
        self.fisher_rows = options.rows if self.driven else 0

    def penalty(self, weights: Sequence[Pulled]) -> Tensor | None:
        """No penalty."""
        return None

    def mix(self, weight: Pulled, generator: Generator) -> Mixed | None:
        """The weight itself, and the mask of the child network on its gradient."""
        start = weight.start
        if self.driven and weight.importance is not None:
            kept = max(1, round(self.share * start.numel()))
            limit = weight.importance.flatten().topk(kept).values[-1]
            mask = (weight.importance >= limit).to(start.dtype)
        else:
            drawn = torch.rand(start.shape, generator=generator, device=start.device)
            mask = (drawn < self.share).to(start.dtype) / self.share
        return Mixed(weight.value.detach().clone(), mask)
