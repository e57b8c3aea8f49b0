"""Every row of every source is taken equally often."""

from collections.abc import Mapping
from random import Random

from attrs import frozen

from mtlkit.builtin.samplers.share import UNIT_DOC, Unit, by_name, proportions, share
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.sampling import Sampler, Source


@frozen
class Proportional(Sampler):
    """A source is drawn with a probability proportional to its number of rows."""

    unit: Unit = option(UNIT_DOC, "batch")

    def mix(
        self, sources: tuple[Source, ...], progress: Progress, rng: Random, batch: int
    ) -> Mapping[str, int]:
        """Rows of each source, drawn in proportion to its size."""
        return share(self._weights(sources), self.unit, rng, batch)

    def shares(self, sources: tuple[Source, ...], progress: Progress) -> Mapping[str, float]:
        """The weights, as shares of their sum."""
        return proportions(self._weights(sources))

    def _weights(self, sources: tuple[Source, ...]) -> dict[str, float]:
        return {source.name: source.rows for source in by_name(sources)}
