"""How the samplers turn weights of sources into rows of one step."""

from collections.abc import Mapping
from itertools import accumulate
from random import Random
from typing import Literal

from mtlkit.contracts.sampling import Source

Unit = Literal["batch", "row"]
UNIT_DOC = "'batch': a step takes all rows from one source; 'row': it divides them among the sources"


def by_name(sources: tuple[Source, ...]) -> tuple[Source, ...]:
    """The sources sorted by name, so that their order in the recipe decides nothing.

    Raises:
        ValueError: when there is no source, or one has no rows.
    """
    if not sources:
        raise ValueError("there is no source to sample from")
    for source in sources:
        if source.rows < 1:
            raise ValueError(f"source {source.name!r} has no rows to sample from")
    return tuple(sorted(sources, key=lambda source: source.name))


def proportions(weights: Mapping[str, float]) -> dict[str, float]:
    """Each weight as its share of all of them."""
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def share(weights: Mapping[str, float], unit: Unit, rng: Random, batch: int) -> dict[str, int]:
    """Rows of each source, `batch` in all, with expectations batch·w/Σw; weights are positive."""
    if unit == "row":
        return divide(weights, rng, batch)
    chosen = rng.choices(list(weights), weights=list(weights.values()))[0]
    return {name: batch if name == chosen else 0 for name in weights}


def divide(weights: Mapping[str, float], rng: Random, batch: int) -> dict[str, int]:
    """Divide `batch` rows so that each source gets its quota rounded up or down, at random.

    Systematic sampling (Madow 1949): one uniform offset rounds all cumulated quotas, so the total is
    exact and the expectation of each count is its quota.
    """
    sums = list(accumulate(weights.values()))
    offset = rng.random()
    # The last bound is set, not computed: batch + offset could round up to the next whole number.
    bounds = [0, *(min(batch, int(batch * part / sums[-1] + offset)) for part in sums[:-1]), batch]
    return {name: bounds[place + 1] - bounds[place] for place, name in enumerate(weights)}
