"""Laws of optimizers: built over given groups, they move what has a gradient at the rate they are told."""

from collections.abc import Iterable, Mapping
from functools import partial
from math import isfinite
from typing import Any

import torch
from attrs import evolve
from hypothesis import strategies as st
from torch import Tensor
from torch.optim import Optimizer

from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.selectors import parse
from mtlkit.testing.asking import Questions
from mtlkit.testing.law import Values, law, require
from mtlkit.testing.laws.bench import (
    GIVEN,
    ROWS,
    SIZES,
    Plugin,
    copied,
    grouped,
    moved,
    plugin_of,
    same_state,
    state_of,
    walk,
    weights,
)
from mtlkit.testing.laws.lr_tables import MODELS
from mtlkit.testing.laws.moments import starts, usual
from mtlkit.testing.strategies import param_tables
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
FROZEN = ("backbone.layer.0.dense.weight", "heads.news.dense.bias")
HALF = 0.5
LEAST_DECAY = 1e-3  # below it, three steps of single floats need not show it


def build(subject: Subject, table: Table) -> Plugin:
    """Its options and its builder."""
    return plugin_of(subject, table)


def questions(plugin: Plugin, subject: Subject) -> Questions:
    """The decay of many weights, and where a few steps take the weights of the bench."""
    asked: dict[str, Any] = {
        f"decay of {row.name} in model {number}": partial(plugin.decay, row)
        for number, table in enumerate(MODELS[:2])
        for row in table
    }
    for without in ((), FROZEN):
        asked[f"weights after three steps without gradients of {without}"] = partial(_after, plugin, without)
    return asked


def tables(subject: Subject) -> st.SearchStrategy[Values]:
    """An options table."""
    return st.fixed_dictionaries({"options": subject.tables()})


def first_tables(subject: Subject) -> Iterable[Values]:
    """The tables to try first."""
    return [{"options": table} for table in starts(subject)]


@law(
    "O1",
    why="groups partition all weights from the first step to the last, and the engine writes rates by group",
    mistake="a flat list of parameters, filtering by requires_grad, or groups rebuilt without their keys",
    given=tables,
    corners=first_tables,
    share=0.2,
)
def over_exactly_the_groups(subject: Subject, options: Table) -> None:
    """Every weight is in the optimizer once, with the keys of its group; building changes no weight."""
    plugin, parameters = build(subject, options), weights()
    parameters[FROZEN[0]].requires_grad_(False)
    before = copied(parameters)
    groups = grouped(plugin, parameters)
    wanted = {
        name: (parameters[name], {key: group[key] for key in GIVEN[2:]})
        for group in groups
        for name in group["names"]
    }
    optimizer = plugin.over(groups)
    require(
        isinstance(optimizer, Optimizer), f"the builder returned a {type(optimizer).__name__}, no Optimizer"
    )
    found: list[str] = []
    for group in optimizer.param_groups:
        lacking = [key for key in GIVEN if key not in group]
        require(not lacking, f"a group of the optimizer has no {lacking}; hand the groups on as they are")
        require(len(group["names"]) == len(group["params"]), "a group has not as many names as weights")
        for name, parameter in zip(group["names"], group["params"], strict=True):
            require(
                parameter is wanted[name][0],
                f"under {name} the optimizer has another tensor than it was given",
            )
            kept = {key: group[key] for key in GIVEN[2:]}
            require(
                kept == wanted[name][1], f"the group of {name} has {kept}, and was given {wanted[name][1]}"
            )
        found += group["names"]
    require(
        sorted(found) == sorted(wanted),
        f"the optimizer has the weights {sorted(found)}, not {sorted(wanted)}",
    )
    require(not moved(before, parameters), f"building it changed {moved(before, parameters)}")
    flags = [name for name, each in parameters.items() if each.requires_grad is (name == FROZEN[0])]
    require(not flags, f"building it changed requires_grad of {flags}")


@law(
    "O2",
    why="weight decay is part of the plan, and must be the same for the same weight in every model",
    mistake="`'bias' in row.name`, where row.kind says it; else declare reads_names on the options class",
    given=lambda subject: st.fixed_dictionaries(
        {"options": subject.tables(), "table": param_tables(max_depth=4)}
    ),
    corners=lambda subject: [{"options": options, "table": MODELS[0]} for options in starts(subject)],
)
def decay_is_a_function_of_the_weight(subject: Subject, options: Table, table: ParamTable) -> None:
    """`decay` is a finite Python number ≥ 0, the same whenever asked and whatever the weight is called.

    Names count only where a selector among the options, which `patterns()` lists, means one of the two names.
    """
    plugin = build(subject, options)
    reads = getattr(subject.options_class, "reads_names", False)
    for number, row in enumerate(table):
        found = plugin.decay(row)
        require(
            type(found) in (float, int), f"the decay of {row.name} is a {type(found).__name__}, not a float"
        )
        require(
            isfinite(found) and found >= 0, f"the decay of {row.name} is {found!r}, not a finite number ≥ 0"
        )
        again = build(subject, options).decay(evolve(row))
        require(found == again, f"the decay of {row.name} is {found!r}, and then {again!r} of an equal row")
        for leaf in (f"w{number}", f"layer.norm.bias.{number}") if not reads else ():
            owner = "backbone" if row.role != "head" else f"heads.{row.owner}"
            called = evolve(row, name=f"{owner}.{leaf}", aliases=())
            if _told_apart(plugin, row, called, table):
                continue
            other = plugin.decay(called)
            require(
                other == found,
                f"the decay of {row.name} is {found!r}, and {other!r} when called {called.name}",
            )


@law(
    "O3",
    why="frozen means frozen, bit for bit; and what trains must move",
    mistake="decay or momentum applied to weights whose gradient is None, or only the first group stepped",
    given=tables,
    corners=first_tables,
    share=0.2,
)
def gradients_decide_what_moves(subject: Subject, options: Table) -> None:
    """A step moves each weight that has a gradient, and neither the others nor what is kept of them."""
    plugin, parameters = build(subject, options), weights()
    optimizer = plugin.over(grouped(plugin, parameters))
    live = [name for name, size in SIZES.items() if size]
    for without, steps in ((FROZEN, range(3)), ((), range(3, 6)), (FROZEN, range(6, 10))):
        kept = {name: state_of(optimizer, parameters[name]) for name in without}
        told, changed = f"in steps {steps[0]} to {steps[-1]}", set[str]()
        for step in steps:  # a step up and one down may end where they began
            before = copied(parameters)
            walk(optimizer, parameters, range(step, step + 1), without=without)
            changed |= set(moved(before, parameters))
        wrong = [name for name in changed if name in without]
        require(not wrong, f"{told} it moved {wrong}, which had no gradient")
        still = [name for name in live if name not in (*changed, *without)]
        require(not still, f"{told} it did not move {still}, which had gradients")
        for name in without:
            same = same_state(kept[name], state_of(optimizer, parameters[name]))
            require(same, f"{told} it changed what it keeps of {name}, which had no gradient")
    broken = [name for name, each in parameters.items() if not torch.isfinite(each).all()]
    require(not broken, f"after ten steps {broken} are not finite")


@law(
    "O4",
    why="rate 0 is how the plan says that a group rests",
    mistake="decay that is not multiplied by the rate, or momentum added after it",
    given=tables,
    corners=first_tables,
    share=0.2,
)
def rate_0_moves_nothing(subject: Subject, options: Table) -> None:
    """With rate 0 no weight moves, in the first step and after others; groups have their own rates."""
    plugin, parameters = build(subject, options), weights()
    optimizer = plugin.over(grouped(plugin, parameters))
    for steps, rate in ((range(2), 0.0), (range(2, 5), 0.01), (range(5, 8), 0.0)):
        before = copied(parameters)
        walk(optimizer, parameters, steps, rate)
        changed = moved(before, parameters)
        require(rate > 0 or not changed, f"with rate 0 in steps {steps[0]} to {steps[-1]} it moved {changed}")
    plugin, parameters = build(subject, options), weights()
    optimizer = plugin.over(grouped(plugin, parameters))
    before = copied(parameters)
    for at, parameter in enumerate(parameters.values()):
        parameter.grad = torch.full_like(parameter, 0.3 + at) if parameter.numel() else None
    for group in optimizer.param_groups:
        group["lr"] = 0.01 if group["group"] == "news" else 0.0
    with torch.enable_grad():
        optimizer.step()
    changed = moved(before, parameters)
    wrong = [name for name in SIZES if SIZES[name] and (name in changed) is not name.startswith("heads.news")]
    require(not wrong, f"with a rate for the head of news only, it moved {changed}")


@law(
    "O5",
    why="rates are the schedule's business: the plan shows the ones that are used",
    mistake="a learning rate among the options, a schedule inside the optimizer, or the rate read "
    "when it is built",
    given=tables,
    corners=first_tables,
    share=0.2,
)
def it_has_no_rate_of_its_own(subject: Subject, options: Table) -> None:
    """The rates are those written into its groups: a thousandth moves far less, and they stay written."""
    lengths = []
    for rate in (1e-3, 1e-6):
        plugin, parameters = build(subject, options), weights()
        optimizer = plugin.over(grouped(plugin, parameters))
        before = copied(parameters)
        walk(optimizer, parameters, range(1), rate)
        lengths.append(sum(float((parameters[name] - before[name]).abs().sum()) for name in SIZES))
        rates = [group["lr"] for group in optimizer.param_groups]
        require(
            all(each == rate for each in rates),
            f"it changed the rates of its groups from {rate!r} to {rates}",
        )
    require(
        lengths[1] <= lengths[0] / 10,
        f"the first step is {lengths[0]!r} long with rate 0.001, and {lengths[1]!r} with rate 0.000001",
    )


@law(
    "O9",
    why="training lowers the loss",
    mistake="maximize=True, or a sign that is wrong",
    given=tables,
    corners=first_tables,
    share=0.2,
)
def it_goes_downhill(subject: Subject, options: Table) -> None:
    """Ten small steps on a quadratic, without decay, lower it; odd options may need a smaller rate."""
    before, after = _downhill(build(subject, options), 1e-3)
    smaller = () if options in usual(subject) else (1e-5, 1e-7)
    require(
        after < before or any(_falls(*_downhill(build(subject, options), rate)) for rate in smaller),
        f"ten steps with rate 0.001 took half the sum of squares from {before!r} to {after!r}",
    )


def _falls(before: float, after: float) -> bool:
    return after < before


def _downhill(plugin: Plugin, rate: float) -> tuple[float, float]:
    """Half the sum of squares before and after ten steps."""
    parameters = weights()
    optimizer = plugin.over(grouped(plugin, parameters, decay=lambda row: 0.0))
    before = _quadratic(parameters)
    for _ in range(10):
        for group in optimizer.param_groups:
            group["lr"] = rate
        for parameter in parameters.values():
            parameter.grad = parameter.detach().clone() if parameter.numel() else None
        with torch.enable_grad():
            optimizer.step()
    return before, _quadratic(parameters)


def decaying(plugin: Plugin) -> list[Row]:
    """The weights of the bench that decay."""
    return [row for row in ROWS if plugin.decay(row) > 0 and row.numel]


@law(
    "O11",
    why="`decay` is what the plan shows, and the group's weight_decay is how it reaches the optimizer",
    mistake="weight_decay among the defaults only, one decay for all groups, or none at all",
    given=tables,
    corners=first_tables,
    share=0.2,
)
def decay_comes_from_the_groups(subject: Subject, options: Table) -> None:
    """Weights whose group has a decay end elsewhere than without it, and the others at the same place."""
    found = []
    for times in (1, 0):
        plugin, parameters = build(subject, options), weights()
        rows = {row.name for row in decaying(plugin) if plugin.decay(row) >= LEAST_DECAY}
        chosen = set(sorted(rows)[::2])
        decay = partial(_chosen_decay, plugin, chosen, times)
        optimizer = plugin.over(grouped(plugin, parameters, decay=decay))
        walk(optimizer, parameters, range(3), rate=HALF)
        found.append((chosen, parameters))
    (chosen, one), (_, other) = found
    changed = moved(copied(one), other)
    same = [name for name in chosen if name not in changed]
    require(not same, f"the decay of their group does nothing to {same}")
    wrong = [name for name in changed if name not in chosen]
    require(not wrong, f"{wrong} have no decay in their groups, and move otherwise when other groups have")


def _told_apart(plugin: Plugin, row: Row, called: Row, table: ParamTable) -> bool:
    """Whether a selector among the options means just one of the two: then names count, as its user asked."""
    patterns = plugin.options.patterns() if hasattr(plugin.options, "patterns") else ()
    selectors = [parse(text) for text in patterns]
    return any(each.matches(row, table) != each.matches(called, table) for each in selectors)


def _chosen_decay(plugin: Plugin, chosen: set[str], times: int, row: Row) -> float:
    return times * plugin.decay(row) if row.name in chosen else 0.0


def _after(plugin: Plugin, without: tuple[str, ...]) -> dict[str, Tensor]:
    parameters = weights()
    walk(plugin.over(grouped(plugin, parameters)), parameters, range(3), without=without)
    return copied(parameters)


def _quadratic(parameters: Mapping[str, Tensor]) -> float:
    return sum(float(each.detach().square().sum()) for each in parameters.values()) / 2
