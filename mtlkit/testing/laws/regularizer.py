"""Laws of regularizers: a pull on weights that train, and on nothing else."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, get_args

import torch
from attrs import evolve
from hypothesis import strategies as st
from torch import Tensor

from mtlkit.contracts.params import Kind, Role, Row
from mtlkit.contracts.regularizer import Mixed, Pulled, Regularizer
from mtlkit.contracts.selectors import parse
from mtlkit.testing.asking import Questions
from mtlkit.testing.law import Values, law, require
from mtlkit.testing.laws.general import first
from mtlkit.testing.laws.moments import starts, usual
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
SHAPES = ((3, 2), (4,), (), (1,), (2, 3, 2))
DRAWS, WIDE = 400, 16
RARE, FEW = 30, 20


def build(subject: Subject, table: Table) -> Regularizer:
    """The regularizer with that options table."""
    made: Regularizer = subject.make(table)
    return made


def questions(regularizer: Regularizer, subject: Subject) -> Questions:
    """Its penalty near and far from the start, and what it mixes."""
    near, far = pulled(1, 0.1), pulled(2, 3.0)
    asked = {
        f"penalty {name}": partial(_value, regularizer, each) for name, each in (("near", near), ("far", far))
    }
    mixes = {f"mix {weight.row.name}": partial(_mixed, regularizer, weight, 3) for weight in near}
    return {**asked, **mixes, "fisher rows": lambda: regularizer.fisher_rows}


def fresh(regularizer: Regularizer) -> Regularizer:
    """The regularizer: `build` has built it already."""
    return regularizer


def pulled(seed: int, distance: float, dtype: torch.dtype = torch.float64) -> list[Pulled]:
    """Weights of several shapes, `distance` away from where they started."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for number, shape in enumerate(SHAPES):
        start = torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
        step = torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
        value = (start + distance * step).requires_grad_()
        importance = torch.rand(shape, generator=generator, dtype=torch.float64).to(dtype)
        row = Row(f"backbone.layer.{number}.weight", shape, "backbone", "block", number + 1, "weight")
        found.append(Pulled(row, value, start, importance))
    return found


def cases(subject: Subject) -> st.SearchStrategy[Values]:
    """An options table, a seed of weights and how far they are from their start."""
    return st.fixed_dictionaries(
        {"options": subject.tables(), "seed": st.integers(0, 10**6), "distance": st.floats(0, 10)}
    )


def first_cases(subject: Subject) -> list[Values]:
    """Weights at their start, near it and far from it."""
    return [
        {**values, "seed": 0, "distance": d} for values in first(subject) for d in (0.0, 1e-3, 1.0, 100.0)
    ]


@law(
    "Z1",
    why="a penalty below zero, or that is not finite, ruins the loss it is added to",
    mistake="a missing square, a division by a norm that is 0 at the start",
    given=cases,
    corners=first_cases,
)
def penalties_are_finite(subject: Subject, options: Table, seed: int, distance: float) -> None:
    """The penalty is a finite scalar ≥ 0 with a finite gradient, at any distance, and for no weight."""
    regularizer = build(subject, options)
    regularizer.penalty([])
    weights = pulled(seed, distance)
    penalty = regularizer.penalty(weights)
    if penalty is None:
        return
    require(penalty.shape == (), f"the penalty has the shape {tuple(penalty.shape)}, not that of a scalar")
    value = float(penalty.detach())
    require(value >= 0 and value < float("inf"), f"the penalty is {value} at distance {distance}")
    for weight, gradient in zip(weights, _gradients(penalty, weights), strict=True):
        require(bool(torch.isfinite(gradient).all()), f"the gradient on {weight.row.name} is not finite")


@law(
    "Z2",
    why="soft freezing is about where the weights started: there it must not push",
    mistake="pulling towards zero instead of the start, or a start that follows the weight",
    given=cases,
    corners=first_cases,
)
def nothing_is_pulled_at_the_start(subject: Subject, options: Table, seed: int, distance: float) -> None:
    """At the starting values the penalty and its gradient are 0, and a mixed weight is the weight."""
    regularizer, weights = build(subject, options), pulled(seed, 0.0)
    penalty = regularizer.penalty(weights)
    if penalty is not None:
        require(float(penalty.detach()) == 0, f"at the start the penalty is {float(penalty.detach())}, not 0")
        for weight, gradient in zip(weights, _gradients(penalty, weights), strict=True):
            require(not gradient.any(), f"at the start {weight.row.name} is pulled")
    for weight in weights:
        mixed = _mixed(regularizer, weight, seed)
        if mixed is not None:
            near = torch.allclose(mixed.value, weight.start, atol=1e-9)
            require(near, f"at the start {weight.row.name} is replaced by something else")


@law(
    "Z3",
    why="a pull has a direction: back to where the weight came from",
    mistake="a wrong sign, the start and the value exchanged, or a value that was detached",
    given=cases,
    corners=first_cases,
)
def the_pull_is_towards_the_start(subject: Subject, options: Table, seed: int, distance: float) -> None:
    """A small step against the gradient brings weights closer to their start, and none further from it."""
    weights = pulled(seed, distance)
    penalty = build(subject, options).penalty(weights)
    if penalty is None:
        return
    pull = 0.0
    for weight, gradient in zip(weights, _gradients(penalty, weights), strict=True):
        along = float((gradient * (weight.value.detach() - weight.start)).sum())
        require(along >= -1e-9, f"{weight.row.name} is pushed away from its start")
        pull += along
    value = float(penalty.detach())
    require(value < 1e-6 or pull > 0, f"the penalty is {value:.4g}, and its gradient pulls at no weight")


@law(
    "Z4",
    why="the engine hands out the weights of the model and the only copy of their start",
    mistake="an in-place operation on value, start or importance",
    given=cases,
    corners=first_cases,
)
def tensors_are_not_changed(subject: Subject, options: Table, seed: int, distance: float) -> None:
    """Neither a weight, nor its start, nor its importance is written to."""
    regularizer, weights = build(subject, options), pulled(seed, distance)
    before = [_copies(weight) for weight in weights]
    regularizer.penalty(weights)
    for weight in weights:
        _mixed(regularizer, weight, seed)
    for weight, copies in zip(weights, before, strict=True):
        for name, one, other in zip(("value", "start", "importance"), _copies(weight), copies, strict=True):
            require(torch.equal(one, other), f"the {name} of {weight.row.name} was changed")


@law(
    "Z5",
    why="with another weight in the model, a weight must be held as before",
    mistake="a mean over all weights, or a norm shared by all of them",
    given=cases,
    corners=first_cases,
)
def weights_are_pulled_apart(subject: Subject, options: Table, seed: int, distance: float) -> None:
    """The gradient on a weight does not depend on which other weights train."""
    regularizer, weights = build(subject, options), pulled(seed, distance)
    together = regularizer.penalty(weights)
    if together is None:
        return
    for weight, gradient in zip(weights, _gradients(together, weights), strict=True):
        alone = regularizer.penalty([weight])
        require(alone is not None, f"{weight.row.name} alone has no penalty")
        if alone is not None:
            [own] = _gradients(alone, [weight])
            near = torch.allclose(own, gradient, rtol=1e-9, atol=1e-12)
            require(near, f"{weight.row.name} is pulled differently when other weights train too")


@law(
    "Z6",
    why="a replaced weight must train the weight it stands for, and be it on average",
    mistake="no rescaling, or a gradient that ignores what was replaced",
    given=lambda subject: st.fixed_dictionaries({"options": subject.tables(), "seed": st.integers(0, 10**6)}),
    corners=lambda subject: [{"options": table, "seed": 0} for table in usual(subject)],
    share=0.2,
)
def mixed_weights_are_the_weight_on_average(subject: Subject, options: Table, seed: int) -> None:
    """The mean of what replaces a weight is the weight, and the factor on its gradient is 1 on average."""
    regularizer = build(subject, options)
    row = Row("backbone.wide", (WIDE,), "backbone", "block", 1, "weight")
    start = torch.zeros(WIDE, dtype=torch.float64)
    weight = Pulled(row, torch.ones(WIDE, dtype=torch.float64, requires_grad=True), start, torch.ones(WIDE))
    generator = torch.Generator().manual_seed(seed)
    mixes = [mixed for _ in range(DRAWS) if (mixed := regularizer.mix(weight, generator)) is not None]
    if not mixes:
        return
    odd = options not in usual(subject)
    for name in ("value", "gradient"):
        drawn: list[Tensor] = [getattr(mixed, name).detach() for mixed in mixes]
        wrong = [tuple(each.shape) for each in drawn if each.shape != row.shape]
        require(not wrong, f"the {name} has the shape {wrong and wrong[0]}, not {row.shape}")
        values = torch.stack(drawn).double()
        if odd and _one_sided(values):
            continue  # an odd share, of which so few draws say nothing
        # The numbers of a weight may be drawn together, but one mix is drawn apart from the next.
        means = values.mean(1)
        mean, spread = float(means.mean()), float(means.std()) / len(mixes) ** 0.5
        told = f"the mean {name} of {values.numel()} numbers of 1 is {mean:.3f}"
        # Eight standard errors: a right regularizer fails once in 10^15 trials.
        require(abs(mean - 1) <= 8 * spread + 1e-9, told)


def _one_sided(values: Tensor) -> bool:
    """Whether nearly all draws came out the same, as what is left alone (1) or what is left out (0)."""
    found, counts = torch.unique(values, return_counts=True)
    often, most = int(counts.max()), float(found[counts.argmax()])
    return values.numel() - often < RARE and (most == 0 or abs(most - 1) < 0.01)


@law(
    "Z7",
    why="a step has to be the same when it is run again",
    mistake="torch.rand without the generator that is handed in",
    given=cases,
    corners=first_cases,
)
def mixing_draws_from_the_generator(subject: Subject, options: Table, seed: int, distance: float) -> None:
    """The same generator state gives the same mix, whatever the global generator is."""
    regularizer = build(subject, options)
    for weight in pulled(seed, distance):
        found = []
        for other in (1, 2):
            with torch.random.fork_rng():
                torch.manual_seed(other)
                found.append(_mixed(regularizer, weight, seed))
        one, two = found
        if one is not None and two is not None:
            require(torch.equal(one.value, two.value), f"{weight.row.name} is mixed differently")
        generators = [torch.Generator().manual_seed(seed + more) for more in (0, 1)]
        for generator in generators:
            regularizer.mix(weight, generator)
        states = [generator.get_state() for generator in generators]
        require(not torch.equal(*states), f"mixing {weight.row.name} seeds the generator anew")


@law(
    "Z10",
    why="a regularizer that holds nothing is named in the recipe, and nothing is held",
    mistake="a factor that is 0 whatever the options are, or a mix that leaves every number as it is",
)
def something_is_held(subject: Subject) -> None:
    """Where there is a penalty or a mix at all, some options pull at a weight or replace it."""
    for table in starts(subject):
        if any(_holds(build(subject, table), weight) for weight in _every_kind()):
            return
    asked = [_asked(build(subject, table), weight) for table in starts(subject) for weight in _every_kind()]
    require(
        not any(asked),
        "with none of the options tried is any weight pulled, replaced, or its gradient changed; return None "
        "for no penalty and for no mix",
    )


def _asked(regularizer: Regularizer, weight: Pulled) -> bool:
    """Whether it has a penalty, be it 0, or a mix, be it the weight itself."""
    return regularizer.penalty([weight]) is not None or _mixed(regularizer, weight, 0) is not None


def _every_kind() -> list[Pulled]:
    """Weights away from their start in every place of a model and of every kind."""
    places: tuple[tuple[str, str, Role, int], ...] = (
        ("backbone.word", "backbone", "embeddings", 0),
        ("backbone.layer.0", "backbone", "block", 1),
        ("backbone.pooler", "backbone", "final", 2),
        ("heads.news", "news", "head", 3),
    )
    kinds: tuple[Kind, ...] = get_args(Kind)
    rows = [
        Row(f"{path}.{kind}", (3, 2), owner, role, depth, kind)
        for path, owner, role, depth in places
        for kind in kinds
    ]
    [model, *_] = pulled(3, 3.0)
    return [evolve(model, row=row) for row in rows]


def _holds(regularizer: Regularizer, weight: Pulled) -> bool:
    penalty = regularizer.penalty([weight])
    if penalty is not None and any(bool(each.any()) for each in _gradients(penalty, [weight])):
        return True
    generator = torch.Generator().manual_seed(0)
    for _ in range(FEW):
        mixed = regularizer.mix(weight, generator)
        if mixed is not None:
            same = torch.equal(mixed.value, weight.value) and bool((mixed.gradient == 1).all())
            if not same:
                return True
    return False


@law(
    "Z8",
    why="selectors are checked against the model before a run starts",
    mistake="a selector that is only read when it runs, or a typing mistake in a default",
    given=lambda subject: st.fixed_dictionaries({"options": subject.tables()}),
    corners=first,
)
def patterns_are_selectors(subject: Subject, options: Table) -> None:
    """`patterns()` of the options gives selectors, at least one."""
    found = subject.options(options).patterns()
    require(len(found) > 0, "patterns() gives no selector, so it would apply to nothing")
    for text in found:
        parse(text)


@law(
    "Z9",
    why="some regularizers need the importance of the weights, and most do not",
    mistake="reading importance without asking for it, so that it is None when it runs",
    given=cases,
    corners=first_cases,
)
def importance_is_asked_for(subject: Subject, options: Table, seed: int, distance: float) -> None:
    """`fisher_rows` is a count; where it is 0 there is no importance, and none is needed."""
    regularizer = build(subject, options)
    rows = regularizer.fisher_rows
    require(isinstance(rows, int) and rows >= 0, f"fisher_rows is {rows!r}, not a number of rows")
    if rows:
        return
    bare = [Pulled(weight.row, weight.value, weight.start) for weight in pulled(seed, distance)]
    with_it, without = regularizer.penalty(pulled(seed, distance)), regularizer.penalty(bare)
    same = (with_it is None) == (without is None)
    if with_it is not None and without is not None:
        same = float(with_it.detach()) == float(without.detach())
    require(same, "fisher_rows is 0, and the penalty depends on the importance")


def _value(regularizer: Regularizer, weights: Sequence[Pulled]) -> float | None:
    penalty = regularizer.penalty(weights)
    return None if penalty is None else float(penalty.detach())


def _mixed(regularizer: Regularizer, weight: Pulled, seed: int) -> Mixed | None:
    return regularizer.mix(weight, torch.Generator().manual_seed(seed))


def _gradients(penalty: Tensor, weights: Sequence[Pulled]) -> list[Tensor]:
    if not penalty.requires_grad:
        return [torch.zeros_like(weight.start) for weight in weights]
    found = torch.autograd.grad(penalty, [weight.value for weight in weights], allow_unused=True)
    pairs = zip(found, weights, strict=True)
    return [torch.zeros_like(w.start) if gradient is None else gradient for gradient, w in pairs]


def _copies(weight: Pulled) -> list[Tensor]:
    importance = weight.start if weight.importance is None else weight.importance
    return [weight.value.detach().clone(), weight.start.clone(), importance.clone()]
