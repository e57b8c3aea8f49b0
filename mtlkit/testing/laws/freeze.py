"""Laws of freeze policies as functions: total, pure, never empty, growing where they say so."""

import os
from collections.abc import Iterable
from functools import partial
from itertools import count
from typing import Any
from unittest import mock

import attrs
from hypothesis import strategies as st

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.testing.asking import Questions, answers, difference
from mtlkit.testing.law import Values, law, require
from mtlkit.testing.laws.freeze_cases import (
    OTHERS,
    Log,
    Table,
    evaluations,
    just_tables,
    known_tables,
    make,
    option_tables,
    phases_of,
    plain_runs,
    progress,
    rich_table,
    runs,
    trained,
    with_row,
    with_tables,
)
from mtlkit.testing.laws.general import subject_tasks
from mtlkit.testing.laws.moments import RUNS, moments
from mtlkit.testing.strategies import SHAPES, param_tables
from mtlkit.testing.subject import Subject

ODD_SHAPES = (*SHAPES, (0, 0), (1, 1, 1, 1), (0,) * 5)
FRESH = count()
OTHER_DEPTHS = (6, 1, 2)
RANKS = ({"RANK": "0", "WORLD_SIZE": "1"}, {"RANK": "3", "LOCAL_RANK": "3", "WORLD_SIZE": "4"})


def build(subject: Subject, table: Table) -> FreezePolicy:
    """The policy with that options table."""
    return make(subject, table)


def questions(policy: FreezePolicy, subject: Subject) -> Questions:
    """Its phase at many moments, with and without measurements, and what trains in each phase."""
    log = evaluations({}, (0.5, float("nan"), 0.25, 0.75))
    asked: dict[str, Any] = {"patterns": policy.patterns, "tasks": policy.tasks}
    tables = {"deep": rich_table(policy), "flat": rich_table(policy, OTHERS[:1], depth=1)}
    for name, table in tables.items():  # nothing is asked before it is its turn: a policy may remember
        asked[f"what trains in the phases of a {name} model"] = partial(_trained, policy, table, log)
    for total, per in RUNS:
        for step in moments(total):
            asked[f"phase at step {step} of {total}"] = partial(policy.phase, progress(step, total, per))
            asked[f"phase at step {step} of {total}, measured"] = partial(
                policy.phase, progress(step, total, per, log)
            )
    return dict(sorted(asked.items(), key=lambda each: each[0][::-1]))  # phases and sets take turns


def _trained(policy: FreezePolicy, table: ParamTable, log: Log) -> dict[str, Any]:
    return {repr(phase): trained(policy, table, phase) for phase in phases_of(policy, log)}


def weights(subject: Subject) -> st.SearchStrategy[Values]:
    """An options table and a table of weights as hostile as they come."""
    table = param_tables(max_depth=6, tasks=subject_tasks())
    return st.fixed_dictionaries({"options": option_tables(subject), "table": table})


def bare_weights(subject: Subject) -> Iterable[Values]:
    """The known options on models without blocks, without anything after them, without a backbone."""
    head = Row("heads.news.weight", (3,), "news", "head", 2, "weight")
    word = Row("backbone.word.weight", (8, 2), BACKBONE, "embeddings", 0, "embedding")
    hard = attrs.evolve(word, name="backbone.größe.[0-9]*.a+b", trainable=False, shape=())
    for rows in ((head,), (word, head), (word, hard, head)):
        for options in known_tables(subject):
            yield {"options": options, "table": ParamTable(rows, 0)}


@law(
    "F12",
    why="every weight has to be frozen or train at every step; a plan is drawn for the whole run at once",
    mistake="a branch without return, a truthy value instead of a bool, a phase that is a float or None, an "
    "index beyond the last stage, a division by the length of an empty run",
    given=weights,
    corners=bare_weights,
)
def every_weight_has_an_answer(subject: Subject, options: Table, table: ParamTable) -> None:
    """A phase is an int or a string, and each weight trains or not, at every moment, on every model."""
    policy = build(subject, options)
    fitted = ParamTable((*table, *_heads(policy, table)), table.depth)
    for total, per in RUNS:
        for step in moments(total):
            phase = policy.phase(progress(step, total, per))
            told = f"{phase!r} at step {step} of {total}"
            require(isinstance(phase, int | str), f"the phase is {told}; it must be an int or a string")
    for phase in phases_of(policy):
        for row in fitted:
            _require_answer(policy, row, fitted, phase)


@law(
    "F14",
    why="models have scalar gates and weights of size zero",
    mistake="row.shape[0], or a division by the number of elements",
    given=just_tables,
    corners=with_tables,
    share=0.5,
)
def odd_shapes_have_an_answer(subject: Subject, options: Table) -> None:
    """A weight without dimensions, of size zero or of many dimensions trains or not like every other."""
    policy = build(subject, options)
    table = rich_table(policy, depth=2)
    for phase in phases_of(policy):
        for number, row in enumerate(table):
            for shape in ODD_SHAPES:
                odd = attrs.evolve(row, shape=shape)
                _require_answer(policy, odd, with_row(table, number, odd), phase)


@law(
    "F10",
    why="resuming at a step must find the phase that walking there would have found, and the plan asks ahead",
    mistake="a counter or the last moment kept in an attribute, a cache with too few things in its key",
    given=runs,
    corners=plain_runs,
)
def asking_at_a_step_equals_walking_there(
    subject: Subject, options: Table, total: int, per_epoch: int, log: Log
) -> None:
    """A policy that was asked about every step answers as one that is asked about one step only."""
    walked = build(subject, options)
    table = rich_table(walked, depth=3)
    walk = [progress(step, total, per_epoch, log) for step in moments(total)]
    seen = [(phase := walked.phase(each), trained(walked, table, phase)) for each in walk]
    for each, (phase, names) in list(zip(walk, seen, strict=True))[::-1]:
        jumped = build(subject, options)
        found = jumped.phase(each)
        told = f"at step {each.step} of {total}"
        require(found == phase, f"{told} the phase is {phase!r} having walked there, else {found!r}")
        again = trained(jumped, rich_table(jumped, depth=3), found)
        require(again == names, f"{told} {_differing(names, again)} trains only {_either(names, again)}")
    for depth in OTHER_DEPTHS:
        both = (walked, build(subject, options))
        known, fresh = (trained(each, rich_table(each, depth=depth), walked.phase(walk[-1])) for each in both)
        told = f"on a model with {depth} blocks {_differing(known, fresh)} trains or not"
        require(known == fresh, f"{told} by what other models the policy was asked about")
    _require_no_mixing(walked, log)


@law(
    "F30",
    why="a plan is drawn of all phases, then the run begins with the first of them, or in the middle",
    mistake="trainable reads what phase() left in an attribute",
    given=runs,
    corners=plain_runs,
)
def phases_can_be_asked_in_any_order(
    subject: Subject, options: Table, total: int, per_epoch: int, log: Log
) -> None:
    """What trains in a phase depends on the phase alone, whoever returned it and whatever came before."""
    policy = build(subject, options)
    table = rich_table(policy, depth=3)
    seen = {}
    for step in moments(total):
        phase = policy.phase(progress(step, total, per_epoch, log))
        seen[phase] = trained(policy, table, phase)
    fresh = build(subject, options)
    for phase, names in reversed(seen.items()):
        for other, what in ((policy, "asked again later"), (fresh, "asked of another object")):
            again = trained(other, table, phase)
            require(again == names, f"phase {phase!r} {what}: {_differing(names, again)} changed sides")


@law(
    "F17",
    why="adding a task to a recipe must not silently freeze or thaw what belongs to the others",
    mistake="counting rows or numbers of the table, its last or largest row, or table.depth worked out from "
    "all rows",
    given=just_tables,
    corners=with_tables,
    applies=lambda subject: (
        ""
        if getattr(subject.options_class, "separates_tasks", True)
        else "it declares that it looks at all tasks together"
    ),
)
def another_task_changes_no_answer(subject: Subject, options: Table) -> None:
    """With one more task, the weights of the backbone and of the other tasks train as without it."""
    policy = build(subject, options)
    first, *rest = OTHERS
    small = rich_table(policy, [first])
    wide = Row("heads.wide.weight", (10**4, 10**4), "wide", "head", small.depth + 2, "weight")
    for tasks in ([first, *rest], [*rest, first]):
        large = rich_table(policy, tasks)
        large = ParamTable((*large.rows, wide), large.depth)
        for phase in phases_of(policy):
            before = trained(policy, small, phase)
            after = trained(policy, large, phase) & {row.name for row in small}
            told = f"in phase {phase!r}, {_differing(before, after)} trains only"
            others = [*rest, "wide"]
            require(before == after, f"{told} {'without' if before - after else 'with'} the tasks {others}")


@law(
    "F22",
    why="ranks that freeze different weights drift apart without an error",
    mistake="RANK or LOCAL_RANK in a decision",
    given=just_tables,
    corners=with_tables,
    share=0.4,
)
def ranks_agree(subject: Subject, options: Table) -> None:
    """Every rank of a run gets the same answers."""
    found = []
    for surroundings in RANKS:
        with mock.patch.dict(os.environ, surroundings):
            found.append(answers(subject, build(subject, options)))
    told = difference(*found)
    require(not told, f"two ranks get different answers: {told}")


def _require_answer(policy: FreezePolicy, row: Row, table: ParamTable, phase: int | str) -> None:
    told = policy.trainable(row, table, phase)
    require(type(told) is bool, f"in phase {phase!r} the answer for {row} is {told!r}; it must be a bool")


def _heads(policy: FreezePolicy, table: ParamTable) -> list[Row]:
    """Heads of the tasks that the policy names, where the table has none."""
    return [row for row in rich_table(policy, (), 0) if row.role == "head" and row.owner not in table.tasks]


def _require_no_mixing(policy: FreezePolicy, log: Log) -> None:
    """Two models in turn, in both orders, under names never used before: neither may answer for the other."""
    if policy.patterns() or policy.reads_names:
        return
    phases = phases_of(policy, log)
    found = []
    for order in (1, -1):
        word = f"n{next(FRESH)}"
        deep, flat = (_called(rich_table(policy, depth=depth), word) for depth in (6, 2))
        asked = [(phase, table) for phase in phases for table in (deep, flat)][::order]
        found.append(
            [[policy.trainable(row, table, phase) for row in table] for phase, table in asked][::order]
        )
    require(
        found[0] == found[1],
        "asked about its phases on a model with 6 blocks and one with 2, the order of the questions matters",
    )


def _called(table: ParamTable, word: str) -> ParamTable:
    return ParamTable(tuple(attrs.evolve(row, name=f"{row.name}.{word}") for row in table), table.depth)


def _differing(one: frozenset[str], other: frozenset[str]) -> str:
    return min(one ^ other, default="nothing")


def _either(walked: frozenset[str], jumped: frozenset[str]) -> str:
    return "having walked there" if walked - jumped else "having jumped there"
