"""The sources take turns, without any chance in it."""

from collections.abc import Mapping
from random import Random

from attrs import frozen

from mtlkit.builtin.samplers.share import UNIT_DOC, Unit, by_name
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.sampling import Sampler, Source


@frozen
class RoundRobin(Sampler):
    """By name, one source after the other: whole batches in turn, or single rows in turn."""

    unit: Unit = option(UNIT_DOC, "batch")

    def mix(
        self, sources: tuple[Source, ...], progress: Progress, rng: Random, batch: int
    ) -> Mapping[str, int]:
        """Rows of each source; after n steps of n sources all have had the same number."""
        names = [source.name for source in by_name(sources)]
        if self.unit == "batch":
            turn = progress.step % len(names)
            return {name: batch if place == turn else 0 for place, name in enumerate(names)}
        each, left = divmod(batch, len(names))
        first = progress.step * batch % len(names)  # where the step before stopped
        return {name: each + ((place - first) % len(names) < left) for place, name in enumerate(names)}

    def shares(self, sources: tuple[Source, ...], progress: Progress) -> Mapping[str, float]:
        """The same for each."""
        return {source.name: 1 / len(sources) for source in by_name(sources)}
