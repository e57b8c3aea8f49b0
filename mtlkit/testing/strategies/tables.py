"""Tables of weights with hostile names, odd shapes and ties."""

from attrs import frozen
from hypothesis import strategies as st

from mtlkit.contracts.params import BACKBONE, Kind, ParamTable, Role, Row

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
    adapter: bool


@st.composite
def param_tables(
    draw: st.DrawFn,
    max_depth: int = 24,
    min_tasks: int = 1,
    max_tasks: int = 5,
    tied: bool = True,
    tasks: tuple[str, ...] = (),
) -> ParamTable:
    """Tables as the engine makes them: embeddings, 0 to `max_depth` alike blocks, final rows or none, heads.

    Names are hostile (`layer.1` beside `layer.10`, tasks called `blocks` or `final`), shapes may be 0-dim
    or of size zero, some weights are frozen by their author, and with `tied` some have aliases. `tasks`
    are names of tasks that are there in any case; with them there may be more than `max_tasks`.
    """
    depth = draw(st.integers(0, max_depth))
    block = draw(st.sampled_from(BLOCK_PATHS))
    parts: list[tuple[str, str, Role, int]] = [("embeddings", BACKBONE, "embeddings", 0)]
    parts += [(block.format(number), BACKBONE, "block", number + 1) for number in range(depth)]
    if draw(st.booleans()):
        parts.append((draw(st.sampled_from(("norm", "pooler.dense"))), BACKBONE, "final", depth + 1))
    parts += [("", task, "head", depth + 2) for task in draw(_tasks(tasks, min_tasks, max_tasks))]
    leaves = {role: draw(_leaves(tied)) for role in ("embeddings", "block", "final", "head")}
    rows = [_row(path, owner, role, at, leaf) for path, owner, role, at in parts for leaf in leaves[role]]
    return ParamTable(tuple(rows), depth)


def _tasks(needed: tuple[str, ...], at_least: int, at_most: int) -> st.SearchStrategy[list[str]]:
    fewest, most = max(0, at_least - len(needed)), max(0, at_most - len(needed))
    others = [task for task in TASKS if task not in needed]
    more = st.lists(st.sampled_from(others), min_size=fewest, max_size=most, unique=True)
    return more.map(lambda names: [*names[::2], *dict.fromkeys(needed), *names[1::2]])


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
        lambda named, *more: _Leaf(*named, *more),
        st.sampled_from(kinds),
        st.sampled_from(SHAPES),
        st.booleans(),
        st.booleans() if tied else st.just(False),
        st.booleans(),
    )
    return st.lists(leaf, min_size=1, max_size=4, unique_by=lambda leaf: leaf.path)


def _row(path: str, owner: str, role: Role, depth: int, leaf: _Leaf) -> Row:
    prefix = BACKBONE if owner == BACKBONE else f"heads.{owner}"
    name = ".".join(part for part in (prefix, path, leaf.path) if part)
    aliases = (f"{name}.tied",) if leaf.tied else ()
    return Row(
        name,
        leaf.shape,
        owner,
        role,
        depth,
        leaf.kind,
        aliases,
        leaf.trainable,
        leaf.adapter and owner == BACKBONE,
    )
