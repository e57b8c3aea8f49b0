"""Sampler: how many rows of each source one optimizer step takes."""

from collections.abc import Mapping
from random import Random

from attrs import frozen

from mtlkit.contracts.progress import Progress


@frozen
class Source:
    """A data source as a sampler sees it: its name and number of training rows (at least 1)."""

    name: str
    rows: int


class Sampler:
    """A pure function of (sources, progress, rng); subclass with a frozen attrs class."""

    def mix(
        self, sources: tuple[Source, ...], progress: Progress, rng: Random, batch: int
    ) -> Mapping[str, int]:
        """Rows to take of each source in the coming step: whole, non-negative, `batch` in all.

        A source that is left out gets none. A sampler that takes of several sources and never of another
        says so: by a share of 0 in `shares`, or by options that name its sources. The order of `sources`
        is that of the recipe and may decide nothing; sort by name before drawing.

        `rng` is seeded from (seed, step); it is the only randomness allowed, so that another seed gives
        another order, or there is a rule and no chance at all. Which rows are taken is
        not the sampler's business: each source is a stream in an order of its own.
        """
        raise NotImplementedError

    def shares(self, sources: tuple[Source, ...], progress: Progress) -> Mapping[str, float] | None:
        """The share of rows that each source gets in the long run, adding up to 1; None: not declared.

        Where the shares change with the run, those of that moment. A source that is left out has none.
        """
        return None
