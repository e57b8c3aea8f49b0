"""Between proportional and uniform: small sources are taken more often than their size says.

Sources: Conneau et al. 2020, "Unsupervised Cross-lingual Representation Learning at Scale" (XLM-R), §3.1,
with α = 1/T; the cap is the artificial data set size limit K of Raffel et al. 2020 (T5), §3.5.2.
"""

from collections.abc import Mapping
from random import Random
from typing import Annotated

from annotated_types import Ge
from attrs import frozen

from mtlkit.builtin.samplers.share import UNIT_DOC, Unit, by_name, proportions, share
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.sampling import Sampler, Source


@frozen
class Temperature(Sampler):
    """A source of n rows is drawn with a probability proportional to min(n, cap)^(1/T)."""

    temperature: Annotated[float, Ge(1)] = option("T: 1 is proportional, a very high one uniform", 2.0)
    cap: Annotated[int, Ge(1)] | None = option(
        "the size above which a source counts as no larger", None, unit="rows"
    )
    unit: Unit = option(UNIT_DOC, "batch")

    def mix(
        self, sources: tuple[Source, ...], progress: Progress, rng: Random, batch: int
    ) -> Mapping[str, int]:
        """Rows of each source, drawn in proportion to its tempered size."""
        return share(self._weights(sources), self.unit, rng, batch)

    def shares(self, sources: tuple[Source, ...], progress: Progress) -> Mapping[str, float]:
        """The weights, as shares of their sum."""
        return proportions(self._weights(sources))

    def _weights(self, sources: tuple[Source, ...]) -> dict[str, float]:
        return {source.name: self._weight(source.rows) for source in by_name(sources)}

    def _weight(self, rows: int) -> float:
        size = rows if self.cap is None else min(rows, self.cap)
        return float(size ** (1 / self.temperature))
