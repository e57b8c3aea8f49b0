"""Every source is taken equally often, large or small."""

from collections.abc import Mapping
from random import Random

from attrs import frozen

from mtlkit.builtin.samplers.share import UNIT_DOC, Unit, by_name, proportions, share
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.sampling import Sampler, Source


@frozen
class Uniform(Sampler):
    """All sources are drawn with the same probability."""

    unit: Unit = option(UNIT_DOC, "batch")

    def mix(
        self, sources: tuple[Source, ...], progress: Progress, rng: Random, batch: int
    ) -> Mapping[str, int]:
        """Rows of each source, drawn with equal weights."""
        return share(self._weights(sources), self.unit, rng, batch)

    def shares(self, sources: tuple[Source, ...], progress: Progress) -> Mapping[str, float]:
        """The weights, as shares of their sum."""
        return proportions(self._weights(sources))

    def _weights(self, sources: tuple[Source, ...]) -> dict[str, float]:
        return {source.name: 1 for source in by_name(sources)}
