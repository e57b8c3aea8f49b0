"""Laws of freeze policies about names: of weights, of tied weights, of tasks."""

from collections.abc import Iterable, Iterator, Sequence

import attrs
from hypothesis import strategies as st

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.selectors import OPERATORS, Selector, parse
from mtlkit.testing.law import Values, law, require
from mtlkit.testing.laws.freeze_cases import (
    OTHERS,
    Table,
    just_tables,
    known_tables,
    make,
    named_tasks,
    option_tables,
    phases_of,
    renamed,
    rich_table,
    whole,
    with_row,
    with_tables,
    words_in,
)
from mtlkit.testing.laws.general import subject_tasks
from mtlkit.testing.subject import Subject

PATHS = (
    "layer.1.weight",
    "layer.10.weight",
    "layer.11.dense.bias",
    "encoder.layer.01.weight",
    "LayerNorm.weight",
    "layernorm.bias",
    "pooler.dense.weight",
    "classifier.0.weight",
    "embeddings.word.weight",
    "heads.news.weight",
    "final.norm",
    "bias",
    "bias_2",
    "lora_A.default",
    "w",
    "größe.[0-9]*.a+b",
    "_orig_mod.module." + "long" * 40,
)


def paths(subject: Subject) -> st.SearchStrategy[Values]:
    """An options table, and paths of weights besides those made of the options."""
    parts = st.sampled_from(("layer", "1", "10", "norm", "bias", "weight", "h", "x_1", "*"))
    path = st.one_of(st.sampled_from(PATHS), st.lists(parts, min_size=1, max_size=4).map(".".join))
    drawn = st.lists(path, min_size=1, max_size=3, unique=True)
    return st.fixed_dictionaries({"options": option_tables(subject), "paths": drawn})


def plain_paths(subject: Subject) -> Iterable[Values]:
    """The known options with a list of paths that are hard to tell apart."""
    return [{"options": options, "paths": list(PATHS)} for options in known_tables(subject)]


def reads_no_names(subject: Subject) -> str:
    """Applies to policies that see names only through the patterns they declare."""
    reads = getattr(subject.options_class, "reads_names", False)
    return "it declares that it reads names" if reads else ""


@law(
    "F15",
    why="a rule that matches more or other names than it says freezes the wrong layers without an error",
    mistake="`in`, startswith() or re.match() instead of a whole name, `layer.1` that matches `layer.10`, a "
    "block number read out of a name, an option with patterns that patterns() leaves out",
    given=paths,
    corners=plain_paths,
    applies=reads_no_names,
)
def names_count_only_through_patterns(subject: Subject, options: Table, paths: list[str]) -> None:
    """Weights alike in place and kind, on which each declared pattern says the same, are treated the same."""
    policy = make(subject, options)
    selectors = _selectors(policy)
    table = rich_table(policy, depth=2)
    spelt = _spelt(subject, options)
    for phase in phases_of(policy):
        for number, row in enumerate(table):
            known: dict[tuple[bool, ...], tuple[str, bool]] = {}
            for name in (row.name, *_names(row, table, [*paths, *spelt])):
                other = renamed(row, name)
                changed = with_row(table, number, other)
                verdict = tuple(selector.matches(other, changed) for selector in selectors)
                answer = policy.trainable(other, changed, phase)
                first, expected = known.setdefault(verdict, (name, answer))
                require(
                    answer == expected,
                    f"in phase {phase!r} {first} {_does(expected)} and {name} {_does(answer)}, and no "
                    f"pattern of {[each.text for each in selectors]} tells the two apart",
                )


@law(
    "F2",
    why="a weight that is tied is one weight; which of its names comes first is an accident of registration",
    mistake="row.name where row.names is meant",
    given=paths,
    corners=plain_paths,
    share=0.5,
)
def tied_weights_have_equal_names(subject: Subject, options: Table, paths: list[str]) -> None:
    """Which name of a tied weight is the canonical one, and the order of the others, changes no answer."""
    policy = make(subject, options)
    table = rich_table(policy, depth=2)
    spelt = _spelt(subject, options)
    for phase in phases_of(policy)[:4]:
        for number, row in enumerate(table):
            for name in _names(row, table, [*paths, *spelt]):
                third = f"{row.name}.tied"
                names = (row.name, name, third)
                found = set()
                for first, *others in (names, names[::-1], (name, row.name, third)):
                    tied = renamed(row, first, tuple(others))
                    found.add(policy.trainable(tied, with_row(table, number, tied), phase))
                require(
                    len(found) == 1,
                    f"in phase {phase!r} the weight {row.name}, also called {name} and {third}, trains or "
                    "not by which of its names comes first",
                )


@law(
    "F31",
    why="a misspelt task in a recipe is found only if the policy names it, and news must not mean news_10",
    mistake="tasks() that returns a string, tasks() left out, startswith() or `in` on the name of a task",
    given=just_tables,
    corners=with_tables,
)
def tasks_count_only_as_declared(subject: Subject, options: Table) -> None:
    """tasks() lists all tasks that the options name; what other tasks are called changes no answer."""
    policy = make(subject, options)
    _require_names("patterns()", policy.patterns())
    _require_names("tasks()", policy.tasks())
    selectors, declared = _selectors(policy), named_tasks(policy)
    for selector in selectors:
        lost = [task for task in selector.tasks if task not in declared]
        require(not lost, f"the pattern {selector.text!r} names {lost}, and tasks() returns {declared}")
    if reads_no_names(subject):
        return
    table = rich_table(policy, [task for task in OTHERS if task not in declared], depth=1)
    for old, new in _renamings(table, declared, words_in(whole(subject, options))):
        other = _with_task(table, old, new)
        for phase in phases_of(policy):
            for row, called in zip(table, other, strict=True):
                if _verdict(selectors, row, table) != _verdict(selectors, called, other):
                    continue
                before = policy.trainable(row, table, phase)
                after = policy.trainable(called, other, phase)
                require(
                    before == after,
                    f"in phase {phase!r} {row.name} {_does(before)}; with task {old!r} called {new!r}, "
                    f"{called.name} {_does(after)}, and tasks() returns {declared}",
                )


def _selectors(policy: FreezePolicy) -> list[Selector]:
    found = []
    for text in policy.patterns():
        try:
            found.append(parse(text))
        except ValueError as error:
            require(False, f"patterns() lists {text!r}, which is no selector: {error}")
    return found


def _verdict(selectors: Sequence[Selector], row: Row, table: ParamTable) -> list[bool]:
    return [selector.matches(row, table) for selector in selectors]


def _require_names(what: str, found: object) -> None:
    good = isinstance(found, tuple | list) and all(isinstance(each, str) and each for each in found)
    require(good, f"{what} returns {found!r}; it must be a tuple of strings that are not empty")


def _names(row: Row, table: ParamTable, paths: Sequence[str]) -> list[str]:
    """Names that the weight could have, none of which another weight has."""
    prefix = f"{BACKBONE}." if row.owner == BACKBONE else f"heads.{row.owner}."
    whole = [path for path in paths if path.startswith(prefix) and len(path) > len(prefix)]
    inner = [f"{prefix}{path}" for path in paths if path.strip(".")]
    return [name for name in dict.fromkeys([*whole, *inner]) if name not in table.names]


def _spelt(subject: Subject, options: Table) -> list[str]:
    """What the strings among the options spell, wholly or nearly."""
    words = words_in(whole(subject, options))
    return list(dict.fromkeys(spelling for word in words for spelling in _spellings(word)))


def _spellings(text: str) -> Iterator[str]:
    """What the globs in a selector match, and what only a careless reading of them does."""
    for mark in OPERATORS:
        text = text.replace(mark, " ")
    for glob in text.split():
        for star, one in (("x", "1"), ("", "1"), ("a.b", ".")):
            yield glob.replace("*", star).replace("?", one)
        exact = glob.replace("*", "x").replace("?", "1")
        yield from (f"{exact}0", f"{exact}.more", f"pre.{exact}", f"pre{exact}", exact.swapcase())
        yield from (exact.replace(".", "_"), f"backbone.{exact.partition('.')[2].replace('.', '_')}")


def _renamings(table: ParamTable, declared: Sequence[str], words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """An undeclared task and another name for it, which leaves the tasks in the same alphabetical order."""
    free = [task for task in table.tasks if task not in declared]
    stems = [*declared, *(word for word in words if word.isidentifier()), *subject_tasks()]
    near = [each for stem in stems for each in (stem, f"{stem}_10", f"{stem}2", stem[:-1], stem.upper())]
    names = dict.fromkeys([*near, *(f"my{stem}" for stem in stems), "head", "backbone_2", "embeddings"])
    for new in names:
        for old in free:
            tasks = [new if task == old else task for task in table.tasks]
            if (
                new not in ("", BACKBONE)
                and len(set(tasks)) == len(tasks)
                and _ranks(tasks) == _ranks(table.tasks)
            ):
                yield old, new


def _ranks(tasks: Sequence[str]) -> list[int]:
    return sorted(range(len(tasks)), key=lambda number: tasks[number])


def _with_task(table: ParamTable, old: str, new: str) -> ParamTable:
    rows = [
        attrs.evolve(row, owner=new, name=row.name.replace(f"heads.{old}.", f"heads.{new}.", 1))
        if row.owner == old
        else row
        for row in table
    ]
    return ParamTable(tuple(rows), table.depth)


def _does(trains: bool) -> str:
    return "trains" if trains else "does not train"
