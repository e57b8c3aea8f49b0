"""Train a few blocks at a time, drawn anew in each period.

Source: Pan et al. 2024, "LISA: Layerwise Importance Sampling for Memory-Efficient Large Language Model
Fine-Tuning", algorithm 1, with equal probabilities as there in practice.
"""

from functools import lru_cache
from random import Random
from typing import Annotated

from annotated_types import Ge
from attrs import frozen

from mtlkit.builtin.freeze.periods import check_period, periods
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress


@frozen
class Lisa(FreezePolicy):
    """In each period `active` blocks train, drawn at random; embeddings, final layer and heads always do.

    The draw is a function of the seed, the number of the period and the number of blocks.

    Helps: memory, in instruction tuning of large language models: better than LoRA at like memory (Pan et
    al. 2024, arXiv:2403.17919).

    Does not help: on encoders, no evidence known to us. The state of blocks that rest is kept here, so the
    saving is in gradients only.
    """

    every: Duration = option("how long the drawn blocks train")
    active: Annotated[int, Ge(1)] = option("how many blocks train at a time", 2, unit="blocks")
    seed: int = option("where the draws begin", 0)

    def __attrs_post_init__(self) -> None:
        check_period(self.every, "a period")

    def phase(self, progress: Progress) -> int:
        """The number of the period, from 0."""
        return periods(progress, self.every)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight is of a drawn block or of none."""
        return row.role != "block" or row.depth in drawn(self.seed, int(phase), self.active, table.depth)


@lru_cache(maxsize=1024)
def drawn(seed: int, period: int, active: int, depth: int) -> tuple[int, ...]:
    """The depths of the blocks of that period, sorted."""
    blocks = range(1, depth + 1)
    chosen = Random(f"{seed} {period}").sample(blocks, min(active, depth))  # noqa: S311  no secret
    return tuple(sorted(chosen))
