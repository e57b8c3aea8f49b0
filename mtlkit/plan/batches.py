"""How many rows a step takes of each source: the sampler's mix, or the batch sizes that tasks ask for."""

from collections.abc import Mapping
from math import ceil
from random import Random

from mtlkit.contracts.progress import Progress
from mtlkit.contracts.sampling import Source
from mtlkit.plan.model import Plan

STEPS_TRIED = 256


def rows_of_mix(plan: Plan, mix: Mapping[str, int]) -> dict[str, int]:
    """The rows that a step takes where the sampler says `mix`.

    The sampler decides of which sources a step takes rows. A source whose tasks ask for a batch size gives
    that many for each forward pass, wherever the sampler gives it any; others give what the sampler says.
    """
    return {name: _asked(plan, name) or count for name, count in mix.items() if count}


def length(plan: Plan, rows: Mapping[str, int]) -> tuple[int, int]:
    """Steps of the run and steps per epoch, for that many training rows by source."""
    per_epoch = max(1, ceil(sum(rows.values()) / rows_per_step(plan, rows)))
    return plan.training.length.steps(0, per_epoch), per_epoch


def rows_per_step(plan: Plan, rows: Mapping[str, int]) -> float:
    """The rows of a step: those the recipe says; where tasks ask for batch sizes, the mean of 256 steps."""
    batch = plan.training.rows_per_step
    if not any(plan.batch_size(name) for name in rows):
        return batch
    sources = tuple(Source(name, count) for name, count in rows.items())
    per_epoch = max(1, -(-sum(rows.values()) // batch))
    total = plan.training.length.steps(0, per_epoch)
    taken = 0
    for step in range(STEPS_TRIED):
        rng = Random(step)  # noqa: S311  reproducible on purpose
        mix = plan.sampler.options.mix(sources, Progress(step, max(total, step + 1), per_epoch), rng, batch)
        taken += sum(rows_of_mix(plan, mix).values())
    return taken / STEPS_TRIED


def _asked(plan: Plan, source: str) -> int | None:
    size = plan.batch_size(source)
    return None if size is None else size * plan.training.accumulate
