"""Laws of samplers that declare shares: the rows of many steps are as declared."""

from collections.abc import Iterable, Mapping
from math import isclose, isfinite, log, sqrt
from typing import Any

import attrs
from hypothesis import strategies as st

from mtlkit.contracts.progress import Progress
from mtlkit.contracts.sampling import Sampler, Source
from mtlkit.testing.law import Values, law, require
from mtlkit.testing.laws.general import tables
from mtlkit.testing.laws.moments import FAR, starts
from mtlkit.testing.laws.sampler import Sources, Table, _sources, build, draw, mixes, named, usable
from mtlkit.testing.subject import Subject

CHANCE = log(1e12)
"""Nats: how unlikely a correct sampler is to be rejected by one comparison."""
STEPS, WINDOW, LEAST, CYCLE = 6000, 1500, 0.02, 60
LIKE_SIZES, LARGE_BATCH, RULE = (40, 20, 30), 24, 16
SIZES = ((40, 10), (60, 20, 5), (25, 25, 25, 25, 1))


def declaring(subject: Subject) -> str:
    """Applies to samplers that declare shares."""
    own = getattr(subject.options_class, "shares", None)
    if subject.card.build is None and own in (None, Sampler.shares):
        return "it declares no shares"
    return ""


def small_mixes(subject: Subject) -> st.SearchStrategy[Values]:
    """Sources of at most 60 rows, so that the long run is not long."""
    kept = ("options", "sources", "batch", "seed")
    return mixes(subject, largest=60).map(lambda values: _small({name: values[name] for name in kept}))


def small_mixes_to_try(subject: Subject) -> Iterable[Values]:
    """A few sets of small sources with small batches."""
    for table in starts(subject):
        names = named(build(subject, table))
        for number, sizes in enumerate(SIZES):
            yield {"options": table, "sources": _sources(names, sizes), "batch": (4, 1, 7)[number], "seed": 1}


@law(
    "S3",
    why="a task that is not seen for a long while is forgotten",
    mistake="a source that is dropped once its rows have been taken, or that never gets a row of a "
    "small batch",
    given=small_mixes,
    corners=small_mixes_to_try,
    share=0.25,
)
def every_source_appears(subject: Subject, options: Table, sources: Sources, batch: int, seed: int) -> None:
    """A source with a share of at least 2 % gets a row within 1500 steps from the start of a run.

    Without declared shares, each of a few sources of like size gets one in a run of 3000, or one gets all.
    """
    sampler = build(subject, options)
    if sampler.shares(usable(sampler, sources), Progress(0, 10**5, 1000)) is not None:
        _appears(sampler, sources, batch, seed, range(WINDOW))
    elif not named(sampler):
        _takes_of_all(sampler, seed)


@law(
    "S17",
    why="another seed must give another order of data, and the seed of the run is the only one there is",
    mistake="a generator made in the sampler and seeded with the step, or a hash of the step",
    given=tables,
    corners=lambda subject: [{"options": table} for table in starts(subject)],
    share=0.2,
)
def chance_comes_from_the_generator(subject: Subject, options: Table) -> None:
    """Mixes that change from step to step without a rule are others with another seed."""
    sampler = build(subject, options)
    sources = usable(sampler, _sources(named(sampler), (40, 40, 40)))
    if len(sources) < 2:
        return
    for batch in (1, 8):
        one, other = (
            [
                tuple(sorted(draw(sampler, sources, Progress(step, FAR, 10**5), seed, batch).items()))
                for step in range(WINDOW)
            ]
            for seed in (1, 2)
        )
        # What turns by a rule comes back to what it did before; chance hardly ever does, sixteen steps long.
        stretches = {tuple(one[at : at + RULE]) for at in range(WINDOW - RULE)}
        require(
            one != other or len(stretches) < WINDOW / 2,
            f"with batches of {batch} its mixes look drawn, and two seeds give the same {WINDOW} of them",
        )


@law(
    "S4",
    why="the shares are what the user chose the sampler for, and what the plan shows",
    mistake="a draw with other weights than declared, or rounding that always favours the same source",
    given=small_mixes,
    corners=small_mixes_to_try,
    applies=declaring,
    share=0.3,
)
def rows_are_as_declared(subject: Subject, options: Table, sources: Sources, batch: int, seed: int) -> None:
    """Over 6000 steps each source gets its share of the rows, as closely as chance allows."""
    sampler = build(subject, options)
    sources = usable(sampler, sources)
    rows = dict.fromkeys((source.name for source in sources), 0.0)
    expected, spread = dict(rows), dict(rows)
    for step in range(STEPS if sources else 0):
        progress = Progress(step, STEPS, STEPS // 25)
        shares = _shares(sampler, sources, progress)
        if shares is None:
            return
        for name, count in draw(sampler, sources, progress, seed, batch).items():
            rows[name] += count / batch
            expected[name] += shares[name]
            spread[name] += shares[name] * (1 - shares[name])
    for name, mean in expected.items():
        # Bernstein's inequality for independent numbers from 0 to 1; or one turn, for samplers that rotate
        by_chance = CHANCE / 3 + sqrt(CHANCE**2 / 9 + 2 * CHANCE * spread[name])
        allowed = max(by_chance, CYCLE)
        require(
            abs(rows[name] - mean) <= allowed,
            f"of {STEPS} steps of {batch} rows, {name!r} got {rows[name] / STEPS:.4f} of the rows; "
            f"its declared "
            f"share is {mean / STEPS:.4f}, and chance allows {allowed / STEPS:.4f} more or less",
        )


@law(
    "S6",
    why="near the end of a run small sources must not be used up, leaving one task alone",
    mistake="counting down the rows of each source, or a schedule that is only right inside the run",
    given=small_mixes,
    corners=small_mixes_to_try,
    applies=declaring,
    share=0.25,
)
def no_source_is_used_up(subject: Subject, options: Table, sources: Sources, batch: int, seed: int) -> None:
    """A source with a share of at least 2 % gets rows in the last 1500 steps of a run, and after its end."""
    sampler = build(subject, options)
    _appears(sampler, sources, batch, seed, range(10**5 - WINDOW, 10**5))
    _appears(sampler, sources, batch, seed, range(FAR, FAR + WINDOW))


@law(
    "S12",
    why="a share of 0 is how a user switches a source off",
    mistake="smoothing of the weights that the declared shares do not have, or a remainder given to "
    "the last source",
    given=small_mixes,
    corners=small_mixes_to_try,
    applies=declaring,
    share=0.5,
)
def nothing_of_a_share_of_0(
    subject: Subject, options: Table, sources: Sources, batch: int, seed: int
) -> None:
    """A source with a share of 0 gets no row; one with a share of 1 gets all."""
    sampler = build(subject, options)
    sources = usable(sampler, sources)
    for step in range(200 if sources else 0):
        progress = Progress(step, 100, 10)
        shares = _shares(sampler, sources, progress)
        if shares is None:
            return
        for name, count in draw(sampler, sources, progress, seed, batch).items():
            require(
                (shares[name] > 0 or count == 0) and (shares[name] < 1 or count == batch),
                f"at step {step} it takes {count} rows of {name!r}, which has a share of {shares[name]!r}",
            )


@law(
    "S16",
    why="a plan shows the shares as percentages",
    mistake="weights instead of shares, counts that are not divided, or an answer for some sources only",
    given=mixes,
    corners=small_mixes_to_try,
    applies=declaring,
)
def shares_add_up_to_1(
    subject: Subject,
    options: Table,
    sources: Sources,
    batch: int,
    seed: int,
    progress: Progress | None = None,
) -> None:
    """Declared shares are finite numbers ≥ 0 of known sources, add up to 1, and are the same in any order."""
    sampler = build(subject, options)
    sources = usable(sampler, sources)
    for step in (0, 50, 99, 100, FAR) if sources else ():
        moment = attrs.evolve(progress, step=step) if progress else Progress(step, 100, 10)
        found = sampler.shares(sources, moment)
        if found is None:
            continue
        told = f"the shares at step {step} are {dict(found)}"
        names = {source.name for source in sources}
        require(set(found) <= names, f"{told}: they name sources that do not exist, not only {sorted(names)}")
        require(
            all(isfinite(each) and each >= 0 for each in found.values()), f"{told}: not finite numbers ≥ 0"
        )
        require(
            isclose(sum(found.values()), 1, abs_tol=1e-9),
            f"{told}: they add up to {sum(found.values())!r}, not 1",
        )
        turned = sampler.shares(sources[::-1], moment) or {}
        for name, each in found.items():
            same = isclose(each, turned.get(name, 0.0), abs_tol=1e-12)
            require(same, f"{told}, and {dict(turned)} with the sources in reverse order")


def _appears(sampler: Sampler, sources: Sources, batch: int, seed: int, steps: range) -> None:
    """Each source with at least 2 % of the rows in those steps gets one; chance misses it with < 1e-13."""
    sources = usable(sampler, sources)
    if not sources:
        return
    total = 10**5
    ends = [_shares(sampler, sources, Progress(step, total, 1000)) for step in steps[:: len(steps) // 10]]
    waiting = {source.name for source in sources if all(each and each[source.name] >= LEAST for each in ends)}
    for step in steps:
        if not waiting:
            return
        found = draw(sampler, sources, Progress(step, total, 1000), seed, batch)
        waiting -= {name for name, count in found.items() if count}
    require(
        not waiting,
        f"in steps {steps[0]} to {steps[-1]} of {total} it takes no row of "
        f"{', '.join(sorted(waiting))}, with at "
        f"least {LEAST:.0%} of the rows by the declared shares",
    )


def _takes_of_all(sampler: Sampler, seed: int) -> None:
    """Each of a few sources gets a row somewhere in a run, or the same one gets all of them in any batches.

    A draw by size leaves one out with a chance below 1e-200.
    """
    sources, total = _sources((), LIKE_SIZES), 2 * WINDOW
    rows = {source.name: source.rows for source in sources}
    taken: dict[int, set[str]] = {}
    for batch in (1, 2, LARGE_BATCH):
        met = taken[batch] = set()
        for step in range(total):
            found = draw(sampler, sources, Progress(step, total, 100), seed, batch)
            met |= {name for name, count in found.items() if count}
            if len(met) == len(sources):
                break
    only_one = len(set().union(*taken.values())) == 1
    for batch, met in taken.items():
        require(
            len(met) == len(sources) or only_one,
            f"in a run of {total} steps of {batch} rows over sources of {rows} rows it takes no row of "
            f"{', '.join(sorted(set(rows) - met))}, and declares no shares",
        )


def _shares(sampler: Sampler, sources: Sources, progress: Progress) -> dict[str, float] | None:
    found: Mapping[str, float] | None = sampler.shares(sources, progress)
    return None if found is None else {source.name: found.get(source.name, 0.0) for source in sources}


def _small(values: dict[str, Any]) -> Values:
    sources = tuple(Source(source.name, min(source.rows, 60)) for source in values["sources"])
    return {**values, "sources": sources, "batch": min(values["batch"], 8)}
