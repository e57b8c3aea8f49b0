"""Laws of samplers: how many rows of each source a step takes."""

from collections.abc import Iterable, Mapping
from functools import partial
from random import Random
from typing import Any, Literal, get_args, get_origin, get_type_hints

import attrs
from hypothesis import strategies as st

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.sampling import Sampler, Source
from mtlkit.errors import MtlkitError
from mtlkit.testing.asking import Questions
from mtlkit.testing.law import Values, law, require
from mtlkit.testing.laws.general import subject_tasks
from mtlkit.testing.laws.moments import FAR, starts
from mtlkit.testing.strategies import progresses
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
Sources = tuple[Source, ...]
NAMES = ("a", "A", "b-1", "b_10", "news_1", "test", "1")
SIZES = (1, 2, 3, 7, 50, 1000, 10**6)
BATCHES = (1, 2, 3, 5, 16, 1000)
REFUSALS = (KeyError, ValueError, MtlkitError)
"""What a sampler may raise for a source that its options should name and do not."""


def build(subject: Subject, table: Table) -> Sampler:
    """The sampler with that options table."""
    made: Sampler = subject.make(table)
    return made


def questions(sampler: Sampler, subject: Subject) -> Questions:
    """Its mixes of several sets of sources at many steps, and the shares it declares."""
    asked: dict[str, Any] = {}
    names = named(sampler)
    for sizes in ((5,), (10, 3), (1, 10**6, 50), tuple(range(1, 8))):
        sources = usable(sampler, _sources(names, sizes))
        for step in (0, 1, 2, 3, 10, 50, 99, 100, 250, FAR) if sources else ():
            progress = Progress(step, 100, 20)
            told = f"step {step} of 100 with {len(sources)} sources"
            asked[f"shares at {told}"] = partial(sampler.shares, sources, progress)
            for batch in (1, 8, 100):
                asked[f"mix of {batch} at {told}"] = partial(_drawn, sampler, sources, progress, batch, step)
    return asked


def _drawn(sampler: Sampler, sources: Sources, progress: Progress, batch: int, seed: int) -> dict[str, int]:
    return dict(sampler.mix(sources, progress, Random(seed), batch))  # noqa: S311  reproducible on purpose


def draw(sampler: Sampler, sources: Sources, progress: Progress, seed: int, batch: int) -> dict[str, int]:
    """The rows of each source in a step; 0 for one that is left out."""
    rng = Random(f"{seed}:{progress.step}")  # noqa: S311  reproducible on purpose
    found = sampler.mix(sources, progress, rng, batch)
    require(isinstance(found, Mapping), f"the mix is {found!r}, not a mapping of names to rows")
    return {source.name: 0 for source in sources} | dict(found)


def usable(sampler: Sampler, sources: Sources) -> Sources:
    """The sources, or those of them that the options name where the sampler takes no others."""
    if not _may_name_sources(sampler):
        return sources
    try:
        sampler.mix(sources, Progress(0, 10, 5), Random(0), 4)  # noqa: S311  reproducible on purpose
    except REFUSALS:
        names = named(sampler)
        return tuple(source for source in sources if source.name in names)
    return sources


def named(sampler: Any) -> tuple[str, ...]:  # noqa: ANN401  an attrs object
    """The texts among the options that may be names of sources."""
    if not attrs.has(type(sampler)):
        return ()
    hints = get_type_hints(type(sampler), include_extras=True)
    values = (
        getattr(sampler, field.name)
        for field in attrs.fields(type(sampler))
        if not _is_closed(hints.get(field.name))
    )
    return tuple(dict.fromkeys(text for value in values for text in _texts(value)))


@st.composite
def mixes(draw: st.DrawFn, subject: Subject, largest: int = 10**6) -> Values:
    """An options table, one to eight sources of any size, a moment, a batch and a seed."""
    table = draw(subject.tables(subject_tasks()))
    names = draw(st.lists(st.sampled_from((*subject_tasks(), *NAMES)), min_size=1, max_size=8, unique=True))
    sizes = st.one_of(
        st.integers(1, min(60, largest)), st.sampled_from([each for each in SIZES if each <= largest])
    )
    all_names = tuple(dict.fromkeys([*names, *named(build(subject, table))]))
    return {
        "options": table,
        "sources": tuple(Source(name, draw(sizes)) for name in draw(st.permutations(all_names))),
        "progress": draw(progresses()),
        "batch": draw(st.one_of(st.integers(1, 40), st.sampled_from(BATCHES))),
        "seed": draw(st.integers(0, 2**32)),
    }


def mixes_to_try(subject: Subject) -> Iterable[Values]:
    """One source and many, equal sizes and sizes far apart, batches smaller than the number of sources."""
    for table in starts(subject):
        names = named(build(subject, table))
        for sizes in ((1,), (5, 5), (3, 10), (1, 10**6), (10**6, 1, 1), (7, 6, 5, 4, 3, 2, 1)):
            for step, total, batch in ((0, 0, 1), (1, 2, 8), (5, 10, 3), (10, 10, 1000), (FAR, 10, 5)):
                yield {
                    "options": table,
                    "sources": _sources(names, sizes),
                    "progress": Progress(step, total, max(1, total // 2)),
                    "batch": batch,
                    "seed": step,
                }


@law(
    "S1",
    why="the order of data is a function of seed and step; with another source of chance no run repeats",
    mistake="random.SystemRandom, a generator of the sampler's own, or time",
    given=mixes,
    corners=mixes_to_try,
)
def the_same_generator_gives_the_same_mix(
    subject: Subject, options: Table, sources: Sources, progress: Progress, batch: int, seed: int
) -> None:
    """Equal sources, moment, batch and state of the generator give equal mixes."""
    sampler = build(subject, options)
    for number in range(8 if usable(sampler, sources) else 0):
        found = []
        for one in (sampler, build(subject, options)):
            moment = attrs.evolve(progress)
            found.append(
                draw(one, tuple(map(attrs.evolve, usable(one, sources))), moment, seed + number, batch)
            )
        require(
            found[0] == found[1],
            f"with equal generators it takes {found[0]} and then {found[1]} at step {progress.step}",
        )


@law(
    "S2",
    why="a run resumes at any step without walking to it",
    mistake="a counter of rows or turns in the sampler instead of progress.step",
    given=mixes,
    corners=mixes_to_try,
    share=0.5,
)
def walking_there_changes_nothing(
    subject: Subject, options: Table, sources: Sources, progress: Progress, batch: int, seed: int
) -> None:
    """The mix of a step is the same after a walk from the start of the run and asked alone."""
    sampler = build(subject, options)
    sources = usable(sampler, sources)
    steps = range(14 if sources else 0)
    moments = [Progress(step, progress.total, progress.steps_per_epoch) for step in steps]
    walked = [draw(sampler, sources, moment, seed, batch) for moment in moments]
    for moment in reversed(moments):
        alone = draw(build(subject, options), sources, moment, seed, batch)
        require(
            alone == walked[moment.step],
            f"at step {moment.step} it takes {walked[moment.step]} after a walk from step 0, and "
            f"{alone} asked alone",
        )


@law(
    "S10",
    why="moving a table up or down in a recipe must not change the run",
    mistake="rng.choices over the sources as they come, without sorting them by name",
    given=mixes,
    corners=mixes_to_try,
)
def order_of_sources_does_not_matter(
    subject: Subject, options: Table, sources: Sources, progress: Progress, batch: int, seed: int
) -> None:
    """The sources in another order get the same rows."""
    sampler = build(subject, options)
    sources = usable(sampler, sources)
    for number in range(8 if sources else 0):
        one = draw(sampler, sources, progress, seed + number, batch)
        for other_order in (sources[::-1], (*sources[1:], *sources[:1])):
            other = draw(sampler, other_order, progress, seed + number, batch)
            order = [source.name for source in other_order]
            require(one == other, f"it takes {one}, and {other} with the sources in the order {order}")


@law(
    "S11",
    why="a recipe with one data source is the common case",
    mistake="a formula that divides by the number of sources less one, or by the log of a size of 1",
    given=mixes,
    corners=mixes_to_try,
)
def one_source_gets_everything(
    subject: Subject, options: Table, sources: Sources, progress: Progress, batch: int, seed: int
) -> None:
    """A single source, even of a single row, gets the whole batch."""
    sampler = build(subject, options)
    for rows in (1, sources[0].rows):
        alone = usable(sampler, (Source(sources[0].name, rows),))
        if alone and len(named(sampler)) <= 1:
            found = draw(sampler, alone, progress, seed, batch)
            require(
                found == {alone[0].name: batch},
                f"of the only source, of {rows} rows, it takes {found}, not the batch of {batch}",
            )


@law(
    "S13",
    why="a mix that is not a batch stops the run; a tail that the test did not reach stops it after hours",
    mistake="rounding each share on its own, so that the sum is a row short or over",
    given=mixes,
    corners=mixes_to_try,
)
def the_mix_is_a_batch(
    subject: Subject, options: Table, sources: Sources, progress: Progress, batch: int, seed: int
) -> None:
    """Rows are whole numbers ≥ 0 of sources that exist, and add up to the batch."""
    sampler = build(subject, options)
    _check_mixes(sampler, usable(sampler, sources), progress, batch, seed, 10)


@law(
    "S15",
    why="real sources differ in size by a factor of a million",
    mistake="weights that overflow or round to 0, or a bound that takes all rows",
    given=mixes,
    corners=mixes_to_try,
    share=0.5,
)
def sizes_may_be_far_apart(
    subject: Subject, options: Table, sources: Sources, progress: Progress, batch: int, seed: int
) -> None:
    """With sizes up to 1 to 10¹² and huge batches the mix is a batch, at each end of the run and beyond."""
    sampler = build(subject, options)
    names = [source.name for source in usable(sampler, sources)]
    far_apart = tuple(Source(name, 10 ** (12 * (number % 3) // 2)) for number, name in enumerate(names))
    for step in (0, progress.total, progress.total + 1, FAR):
        for size in (1, batch, 10**6):
            moment = attrs.evolve(progress, step=step)
            _check_mixes(sampler, far_apart, moment, size, seed, 2)


def _check_mixes(
    sampler: Sampler, sources: Sources, progress: Progress, batch: int, seed: int, times: int
) -> None:
    names = {source.name for source in sources}
    for number in range(times if sources else 0):
        found = draw(sampler, sources, progress, seed + number, batch)
        told = f"the mix at step {progress.step} of {progress.total} is {found}"
        require(set(found) <= names, f"{told}: it names sources that do not exist, not only {sorted(names)}")
        for name, rows in found.items():
            require(
                type(rows) is int, f"{told}: the rows of {name!r} are a {type(rows).__name__}, not an int"
            )
            require(rows >= 0, f"{told}: {rows} rows of {name!r}")
        require(sum(found.values()) == batch, f"{told}: {sum(found.values())} rows, not {batch}")


def _sources(names: Iterable[str], sizes: tuple[int, ...]) -> Sources:
    """Sources of those sizes, the given names first; more of size 4 where names are left."""
    wanted = list(names)
    others = [name for name in (*subject_tasks(), *NAMES) if name not in wanted]
    every = [*wanted, *others][: max(len(wanted), len(sizes))]
    return tuple(Source(name, sizes[at] if at < len(sizes) else 4) for at, name in enumerate(every))


def _may_name_sources(sampler: Any) -> bool:  # noqa: ANN401  an attrs object
    """Whether some option is a mapping, a list of texts or a free text."""
    if not attrs.has(type(sampler)):
        return False
    hints = get_type_hints(type(sampler), include_extras=True)
    return any(not _is_closed(hints.get(field.name)) for field in attrs.fields(type(sampler)))


def _is_closed(annotation: Any) -> bool:  # noqa: ANN401  any annotation
    """Whether values of that type hold no free text."""
    if get_origin(annotation) is Literal:
        return True
    inner = [each for each in get_args(annotation) if isinstance(each, type) or get_args(each)]
    if inner:
        return all(map(_is_closed, inner))
    is_number = isinstance(annotation, type) and issubclass(annotation, int | float | Duration)
    return is_number or annotation in (None, type(None))


def _texts(value: Any) -> Iterable[str]:  # noqa: ANN401  an option, or any part of it
    if isinstance(value, str):
        yield value
    elif isinstance(value, (Mapping, tuple | list | set | frozenset)):
        for each in value:
            yield from _texts(each)
