"""Hypothesis strategies for what policies, schedules and samplers are functions of."""

from attrs import frozen
from hypothesis import strategies as st

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.params import BACKBONE, Kind, ParamTable, Role, Row
from mtlkit.contracts.progress import Progress

# Task names that are also words of the selector language or parts of weight names.
TASKS = ("sentiment", "news", "head", "heads", "embeddings", "blocks", "final", "layer", "x_1", "x_10")
BLOCK_PATHS = ("encoder.layer.{}", "blocks.{}", "h.{}", "transformer.layer{}")
SHAPES = ((), (0,), (1,), (3,), (4, 2), (2, 0, 3))


@frozen
class _Leaf:
    path: str
    kind: Kind
    shape: tuple[int, ...]
    trainable: bool
    tied: bool


@st.composite
def param_tables(
    draw: st.DrawFn, max_depth: int = 24, min_tasks: int = 1, max_tasks: int = 5, tied: bool = True
) -> ParamTable:
    """Tables as the engine makes them: embeddings, 0 to `max_depth` alike blocks, final rows or none, heads.

    Names are hostile (`layer.1` beside `layer.10`, tasks called `blocks` or `final`), shapes may be 0-dim
    or of size zero, some weights are frozen by their author, and with `tied` some have aliases.
    """
    depth = draw(st.integers(0, max_depth))
    block = draw(st.sampled_from(BLOCK_PATHS))
    parts: list[tuple[str, str, Role, int]] = [("embeddings", BACKBONE, "embeddings", 0)]
    parts += [(block.format(number), BACKBONE, "block", number + 1) for number in range(depth)]
    if draw(st.booleans()):
        parts.append((draw(st.sampled_from(("norm", "pooler.dense"))), BACKBONE, "final", depth + 1))
    tasks = draw(st.lists(st.sampled_from(TASKS), min_size=min_tasks, max_size=max_tasks, unique=True))
    parts += [("", task, "head", depth + 2) for task in tasks]
    leaves = {role: draw(_leaves(tied)) for role in ("embeddings", "block", "final", "head")}
    rows = [_row(path, owner, role, at, leaf) for path, owner, role, at in parts for leaf in leaves[role]]
    return ParamTable(tuple(rows), depth)


def _leaves(tied: bool) -> st.SearchStrategy[list[_Leaf]]:
    kinds: tuple[tuple[str, Kind], ...] = (
        ("weight", "weight"),
        ("bias", "bias"),
        ("norm.weight", "norm"),
        ("norm.bias", "norm"),
        ("word.weight", "embedding"),
        ("layer.1.weight", "weight"),
        ("layer.10.weight", "weight"),
    )
    leaf = st.builds(
        lambda named, shape, trainable, alias: _Leaf(named[0], named[1], shape, trainable, alias),
        st.sampled_from(kinds),
        st.sampled_from(SHAPES),
        st.booleans(),
        st.booleans() if tied else st.just(False),
    )
    return st.lists(leaf, min_size=1, max_size=4, unique_by=lambda leaf: leaf.path)


def _row(path: str, owner: str, role: Role, depth: int, leaf: _Leaf) -> Row:
    prefix = BACKBONE if owner == BACKBONE else f"heads.{owner}"
    name = ".".join(part for part in (prefix, path, leaf.path) if part)
    aliases = (f"{name}.tied",) if leaf.tied else ()
    return Row(name, leaf.shape, owner, role, depth, leaf.kind, aliases, leaf.trainable)


def durations() -> st.SearchStrategy[Duration]:
    """Durations of each unit, nothing and fractions of epochs included."""
    return st.one_of(
        st.builds(Duration, st.integers(0, 40).map(lambda quarters: quarters / 4), st.just("ep")),
        st.builds(Duration, st.integers(0, 500).map(float), st.just("st")),
        st.builds(Duration, st.integers(0, 200).map(lambda halves: halves / 2), st.just("%")),
    )


@st.composite
def progresses(draw: st.DrawFn, max_total: int = 500) -> Progress:
    """Moments of runs of 0 to `max_total` steps, the end and far beyond it included."""
    total = draw(st.integers(0, max_total))
    step = draw(st.one_of(st.integers(0, total), st.integers(total, 2 * total), st.just(10**9)))
    return Progress(step, total, draw(st.integers(1, max(1, total))))
