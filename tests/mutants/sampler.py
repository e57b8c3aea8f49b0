"""Samplers: broken ones with the law that each breaks, and unusual ones that are right."""

import random
from collections.abc import Mapping
from math import log
from random import Random
from typing import Annotated, Literal
from zlib import crc32

import numpy as np
from annotated_types import Ge, Le
from attrs import field, frozen

from mtlkit import Progress, Sampler, Source
from mtlkit.contracts.options import option

Sources = tuple[Source, ...]


def ordered(sources: Sources) -> list[Source]:
    return sorted(sources, key=lambda source: source.name)


@frozen
class Fair(Sampler):
    """The one that is right: all rows from one source, by size."""

    def weights(self, sources: Sources) -> dict[str, float]:
        return {source.name: float(source.rows) for source in ordered(sources)}

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        weights = self.weights(sources)
        chosen = rng.choices(list(weights), weights=list(weights.values()))[0]
        return {name: batch * (name == chosen) for name in weights}

    def shares(self, sources: Sources, progress: Progress) -> Mapping[str, float] | None:
        weights = self.weights(sources)
        return {name: weight / sum(weights.values()) for name, weight in weights.items()}


@frozen
class OwnChance(Fair):
    """A source of chance that nobody can seed."""

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        return super().mix(sources, progress, random.SystemRandom(), batch)


@frozen
class TakesTurns(Fair):
    """Counts its own turns."""

    _turns: list[int] = field(factory=list, init=False, eq=False, repr=False)

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        self._turns.append(1)
        return {ordered(sources)[len(self._turns) % len(sources)].name: batch}

    def shares(self, sources: Sources, progress: Progress) -> Mapping[str, float] | None:
        return None


@frozen
class UsedUp(Fair):
    """Leaves out a source once its rows have been taken."""

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        left = tuple(each for each in sources if each.rows * 200 > progress.step * batch)
        return super().mix(left or (ordered(sources)[-1],), progress, rng, batch)


@frozen
class LargestOnly(Fair):
    """Rounds down and gives what is left to the largest."""

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        shares = self.shares(sources, progress)
        rows = {name: int(batch * share) for name, share in shares.items()}
        largest = max(sorted(shares), key=shares.__getitem__)
        rows[largest] += batch - sum(rows.values())
        return rows


@frozen
class OtherWeights(Fair):
    """Draws by the root of the size, and declares the size."""

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        names = [source.name for source in ordered(sources)]
        return {rng.choices(names, weights=[each.rows**0.5 for each in ordered(sources)])[0]: batch}


@frozen
class AsTheyCome(Fair):
    """Does not sort."""

    def weights(self, sources: Sources) -> dict[str, float]:
        return {source.name: float(source.rows) for source in sources}


@frozen
class LogOfSize(Fair):
    """The logarithm of one row is 0."""

    def weights(self, sources: Sources) -> dict[str, float]:
        return {source.name: log(source.rows) for source in ordered(sources)}


@frozen
class OneLess(Fair):
    """Divides by the number of the others."""

    def weights(self, sources: Sources) -> dict[str, float]:
        total = sum(source.rows for source in sources)
        return {each.name: (total - each.rows) / (len(sources) - 1) for each in ordered(sources)}


@frozen
class Leftover(Fair):
    """The last source gets what rounding leaves, whatever its share."""

    off: str = option("a source to leave out", "news")

    def weights(self, sources: Sources) -> dict[str, float]:
        sizes = {source.name: float(source.rows) for source in ordered(sources)}
        return sizes if len(sizes) == 1 else {**sizes, ordered(sources)[-1].name: 0.0}

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        shares = self.shares(sources, progress)
        rows = {name: int(batch * share) for name, share in shares.items()}
        rows[list(rows)[-1]] += batch - sum(rows.values())
        return rows


@frozen
class RoundsEach(Fair):
    """Rounds each share for itself."""

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        return {name: round(batch * share) for name, share in self.shares(sources, progress).items()}


@frozen
class NumpyRows(Fair):
    """numpy's own integers."""

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        shares = list(self.shares(sources, progress).values())
        generator = np.random.default_rng(rng.getrandbits(32))
        return dict(zip(self.weights(sources), generator.multinomial(batch, shares), strict=True))


@frozen
class AtLeastOne(Fair):
    """A row of each source, also when there are more sources than rows."""

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        rows = dict.fromkeys(self.weights(sources), 1)
        rows[rng.choice(list(rows))] += batch - len(rows)
        return rows


@frozen
class BeyondTheEnd(Fair):
    """Takes less and less of the largest."""

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        if len(sources) == 1:
            return {sources[0].name: batch}
        one, other = sorted(self.weights(sources))[:2]
        first = batch - int(batch * progress.step / max(1, progress.total))
        return {one: first, other: batch - first}

    def shares(self, sources: Sources, progress: Progress) -> Mapping[str, float] | None:
        return None


@frozen
class Overflows(Fair):
    """Sizes to a power that floats do not reach."""

    def weights(self, sources: Sources) -> dict[str, float]:
        return {source.name: float(source.rows) ** 40 for source in ordered(sources)}


@frozen
class CountsAsShares(Fair):
    """Declares rows instead of shares."""

    def shares(self, sources: Sources, progress: Progress) -> Mapping[str, float] | None:
        return {
            name: weight / max(self.weights(sources).values())
            for name, weight in self.weights(sources).items()
        }


@frozen
class OneShort(Sampler):
    """Never comes to the last source."""

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        names = [source.name for source in ordered(sources)]
        return {names[rng.randrange(max(1, len(names) - 1))]: batch}


@frozen
class RestToTheLargest(Sampler):
    """Rounds down, and the largest source gets what is left: of a small batch all."""

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        total = sum(source.rows for source in sources)
        found = {source.name: batch * source.rows // total for source in ordered(sources)}
        found[max(ordered(sources), key=lambda source: source.rows).name] += batch - sum(found.values())
        return found


@frozen
class SeededByStep(Fair):
    """Its own generator, which every seed of a run finds the same."""

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        return super().mix(sources, progress, Random(progress.step), batch)


@frozen
class HashOfStep(Sampler):
    """A digest of the step in place of a generator."""

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        names = [source.name for source in ordered(sources)]
        return {names[crc32(str(progress.step).encode()) % len(names)]: batch}


@frozen
class PowerUnread(Fair):
    """An option that nothing reads."""

    power: Annotated[float, Ge(0), Le(1)] = option("the power of the size", 0.5)


MUTANTS: tuple[tuple[object, str], ...] = (
    (OwnChance, "S1"),
    (OneShort, "S3"),
    (RestToTheLargest, "S3"),
    (SeededByStep, "S17"),
    (PowerUnread, "G14"),
    (HashOfStep, "S17"),
    (TakesTurns, "S2"),
    (LargestOnly, "S3"),
    (OtherWeights, "S4"),
    (LargestOnly, "S4"),
    (UsedUp, "S6"),
    (AsTheyCome, "S10"),
    (LogOfSize, "S11"),
    (OneLess, "S11"),
    (Leftover, "S12"),
    (RoundsEach, "S13"),
    (NumpyRows, "S13"),
    (AtLeastOne, "S13"),
    (BeyondTheEnd, "S13"),
    (Overflows, "S15"),
    (CountsAsShares, "S16"),
)


@frozen
class Weighted(Sampler):
    """Weights by source; one that is not named is an error."""

    weights: Mapping[str, Annotated[float, Ge(0.1)]] = option("weight of each source", {"news": 1.0})

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        shares = self.shares(sources, progress)
        return {rng.choices(list(shares), weights=list(shares.values()))[0]: batch}

    def shares(self, sources: Sources, progress: Progress) -> Mapping[str, float]:
        own = {source.name: self.weights[source.name] for source in ordered(sources)}
        return {name: weight / sum(own.values()) for name, weight in own.items()}


@frozen
class First(Sampler):
    """Everything from the first source by name; shares are not declared."""

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        return {min(source.name for source in sources): batch}


@frozen
class InSequence(Sampler):
    """One source after the other, each once through its rows."""

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        lengths = {source.name: -(-source.rows // batch) for source in ordered(sources)}
        at = progress.step % sum(lengths.values())
        for name, length in lengths.items():
            if at < length:
                return {name: batch}
            at -= length
        raise AssertionError


@frozen
class Annealed(Fair):
    """By size at first, evenly at the end."""

    def shares(self, sources: Sources, progress: Progress) -> Mapping[str, float]:
        part = min(1.0, progress.step / max(1, progress.total))
        weights = {source.name: source.rows ** (1 - part) for source in ordered(sources)}
        return {name: weight / sum(weights.values()) for name, weight in weights.items()}

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        shares = self.shares(sources, progress)
        drawn = rng.choices(list(shares), weights=list(shares.values()), k=min(batch, 64))
        rows = {name: drawn.count(name) for name in shares}
        rows[drawn[0]] += batch - len(drawn)
        return rows


@frozen
class Mode(Fair):
    """A literal option, and rows that are left out where there are none."""

    mode: Literal["even", "size"] = option("how", "even")

    def weights(self, sources: Sources) -> dict[str, float]:
        return {each.name: 1.0 if self.mode == "even" else float(each.rows) for each in ordered(sources)}

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        return {name: rows for name, rows in super().mix(sources, progress, rng, batch).items() if rows}


@frozen
class Golden(Sampler):
    """Turns by the golden ratio: no chance in it, and no period either."""

    def mix(self, sources: Sources, progress: Progress, rng: Random, batch: int) -> Mapping[str, int]:
        names = [source.name for source in ordered(sources)]
        return {names[int(progress.step * 0.6180339887498949 % 1 * len(names))]: batch}


UNUSUAL: tuple[object, ...] = (Fair, Weighted, First, InSequence, Annealed, Mode, Mode("size"), Golden)
