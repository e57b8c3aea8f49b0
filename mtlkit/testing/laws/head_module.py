"""Laws of heads as modules: what they hold and declare, what they leave alone, how they are built."""

import copy
import random
from collections.abc import Callable, Mapping
from typing import Any, get_args

import attrs
import numpy as np
import torch
from torch import Tensor

from mtlkit.contracts.backbone import Features, Pooling
from mtlkit.testing.head_features import Exam, exam
from mtlkit.testing.head_rows import lesson_of
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.general import first, tables
from mtlkit.testing.laws.head import cases, odd_cases
from mtlkit.testing.modules import changed, flags_of, same, state_of, survivors
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]


@law(
    "H13",
    why="only the optimizer changes weights; what a head did to itself is in no checkpoint and no plan",
    mistake="a running mean kept in forward, eval() or requires_grad_ in decode, weights normalised in place",
    given=cases,
    corners=odd_cases,
)
def calls_change_nothing(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """No call changes a weight, a mode, a gradient or a row; in eval mode no buffer either."""
    for training in (False, True):
        sat = exam(subject, case, torch.float32)
        if training and len(sat.rows) < 2:
            continue
        sat.head.train(training)
        before, flags, rows = state_of(sat.head), flags_of(sat.head), copy.deepcopy(sat.rows)
        for name, call in _calls(sat).items():
            with torch.random.fork_rng():
                call()
            moved = changed(before, state_of(sat.head))
            weights = {each for each, _ in sat.head.named_parameters()}
            moved = [each for each in moved if each in weights or not training]
            require(not moved, f"{name} changed {', '.join(moved)}")
            require(not (told := changed(flags, flags_of(sat.head))), f"{name} changed {', '.join(told)}")
            require(sat.rows == rows, f"{name} changed the rows")
            held = [each for each, weight in sat.head.named_parameters() if weight.grad is not None]
            require(not held, f"{name} left a gradient in {', '.join(held)}")


@law(
    "H19",
    why="one encoding serves every head, so features that a head changes are wrong for the next one",
    mistake="masked_fill_, relu_ or += on the features or the scores",
    given=cases,
    corners=odd_cases,
)
def features_are_left_as_they_are(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """Forward does not write into the features, nor loss and decode into scores and targets."""
    for training in (False, True):
        sat = exam(subject, case, torch.float32)
        if not training or len(sat.rows) > 1:
            sat.head.train(training)
            _check_writing(sat)


@law(
    "H23",
    why="steps repeat because torch's seeded generator is all the chance there is",
    mistake="dropout without `self.training`, random.random() or numpy for noise or negatives",
    given=cases,
    corners=odd_cases,
)
def chance_is_torchs_and_for_training(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """In eval mode nothing is random; in train mode torch's global generator decides alone."""
    sat = exam(subject, case, torch.float32)
    one, other = (_seeded(sat, torch_seed, torch_seed) for torch_seed in (1, 2))
    require(same(one, other), "in eval mode its scores or its loss are random")
    if len(sat.rows) < 2:
        return
    sat.head.train()
    one, other = (_seeded(sat, 1, other_seed) for other_seed in (1, 2))
    require(same(one, other), "in train mode it depends on another generator than torch's global one")


@law(
    "H25",
    why="the plan reads columns from the options, the engine views from the head; both must mean the same",
    mistake="a view that is not among `columns()`, a string where a tuple of columns is meant",
    given=tables,
    corners=first,
    share=0.5,
)
def declarations_fit(subject: Subject, options: Table) -> None:
    """Views are columns that the options name; needs, pooling, metrics and flags are well formed."""
    lesson = lesson_of(subject, options)
    head, made = lesson.build(), subject.options(lesson.table)
    columns = lesson.columns
    _check_views(head.views, set(columns.values()))
    require(head.needs in ("tokens", "pooled"), f"needs is {head.needs!r}; it should be 'tokens' or 'pooled'")
    poolings = get_args(Pooling)
    require(head.pooling in poolings, f"pooling is {head.pooling!r}; it should be one of {poolings}")
    for flag in ("batch_coupled", "may_be_negative", "whole_step", "located"):
        value = getattr(head, flag, False)
        require(isinstance(value, bool), f"{flag} is {value!r}; it should be True or False")
    if "label" in columns:
        label = getattr(made, "label", None)
        told = f"columns() names {columns['label']!r} as label and the option is {label!r}"
        require(label == columns["label"], told)
    names = made.metrics()
    well = isinstance(names, tuple) and all(isinstance(name, str) and name for name in names)
    require(well and len(set(names)) == len(names), f"metrics() is {names!r}; it should be distinct names")


@law(
    "H27",
    why="memory of a run stays flat only if every batch is let go",
    mistake="the last batch, its scores or its loss with graph kept in an attribute",
    given=cases,
    corners=odd_cases,
    share=0.3,
)
def nothing_of_a_batch_is_kept(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """After a batch, the head holds neither its features, its scores nor its loss."""
    sat = exam(subject, case, torch.float32)

    def run() -> dict[str, Tensor]:
        features = [_copied(each) for each in sat.features]
        output = sat.scores(features)
        term = sat.head.loss(output, sat.targets())
        with torch.no_grad():
            sat.head.metrics(sat.head.decode(output.detach()), sat.rows)
        tokens = {f"the features of view {at}": each.tokens for at, each in enumerate(features)}
        pooled = {
            f"the pooled features of view {at}": each.pooled
            for at, each in enumerate(features)
            if each.pooled is not None
        }
        return {**tokens, **pooled, "the scores": output, "the loss": term.sum}

    kept = survivors(run)
    require(not kept, f"after a batch something still holds {' and '.join(kept)}")


def _calls(sat: Exam) -> dict[str, Callable[[], object]]:
    calls: dict[str, Callable[[], object]] = {
        "targets": sat.targets,
        "count": lambda: sat.head.count(sat.targets()),
        "forward": sat.scores,
        "loss": lambda: sat.head.loss(sat.scores(), sat.targets()),
        "decode": lambda: sat.head.decode(sat.guesses()),
        "metrics": lambda: sat.head.metrics(sat.head.decode(sat.evaluated()), sat.rows),
    }
    if hasattr(sat.head, "present"):
        calls["present"] = lambda: sat.head.present(sat.head.decode(sat.guesses()), sat.rows)
    return calls


def _check_writing(sat: Exam) -> None:
    given = {
        f"{name} of view {number}": tensor
        for number, each in enumerate(sat.features)
        for name, tensor in _tensors(each).items()
    }
    with torch.no_grad(), torch.random.fork_rng():
        output = _unchanged(given, "forward", sat.scores)
    targets = sat.targets()
    given = {"the scores": output}
    if isinstance(targets, Tensor):
        given["the targets"] = targets
    with torch.no_grad():
        _unchanged(given, "loss", lambda: sat.head.loss(output, targets))
        _unchanged(given, "count", lambda: sat.head.count(targets))
        _unchanged(given, "decode", lambda: sat.head.decode(output))


def _unchanged(given: Mapping[str, Tensor], name: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401
    before = {each: tensor.clone() for each, tensor in given.items()}
    answer = call()
    moved = changed(before, given)
    require(not moved, f"{name} wrote into {' and '.join(moved)}")
    return answer


def _seeded(sat: Exam, torch_seed: int, other_seed: int) -> Tensor:
    kept = random.getstate(), np.random.get_state()
    random.seed(other_seed)
    np.random.seed(other_seed)
    try:
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(torch_seed)
            output = sat.scores()
            term = sat.head.loss(output, sat.targets())
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])
    return torch.cat([output.flatten().float(), term.sum.reshape(1).float()])


def _check_views(views: Any, columns: set[str]) -> None:  # noqa: ANN401  what the head declares
    well = (
        isinstance(views, tuple) and bool(views) and all(isinstance(view, tuple) and view for view in views)
    )
    require(well, f'views is {views!r}; it should be a tuple of tuples of columns, such as (("text",),)')
    for view in views:
        for column in view:
            require(column in columns, f"the view {view} reads {column!r}, which columns() does not name")


def _tensors(features: Features) -> dict[str, Tensor]:
    names = ("tokens", "mask", "words", "pooled", "ids", "texts", "spans")
    found = {name: getattr(features, name) for name in names if getattr(features, name) is not None}
    return found | {f"layer {depth}": layer for depth, layer in features.layers.items()}


def _copied(features: Features) -> Features:
    pooled = None if features.pooled is None else features.pooled.clone()
    return attrs.evolve(features, tokens=features.tokens.clone(), pooled=pooled)
