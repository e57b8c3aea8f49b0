"""Laws of what only some heads have: layers, inputs, corruption, fitting, presentation, odd backbones."""

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor, nn

from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext
from mtlkit.errors import MtlkitError
from mtlkit.testing.asking import plain
from mtlkit.testing.backbone_rows import far
from mtlkit.testing.head_answers import is_plain
from mtlkit.testing.head_features import Exam, corrupts, exam, features_for, fitted, sitting, toy_rows
from mtlkit.testing.head_rows import DEPTH, HIDDEN, TASK, Lesson, lesson_of
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.general import first, tables
from mtlkit.testing.laws.head import build, cases, odd_cases, starting
from mtlkit.testing.laws.head_batches import alike
from mtlkit.testing.modules import changed, same, state_of
from mtlkit.testing.subject import Subject
from mtlkit.testing.toy_tokens import MASK, SIZE, SPECIALS, toy_vocabulary

Table = Mapping[str, Any]
GARBAGE = 1e4


def having(member: str) -> Callable[[Subject], str]:
    """Applies to heads that have a member which a head need not have."""

    def applies(subject: Subject) -> str:
        tables = starting(subject)
        try:
            found = [getattr(build(subject, table).module, member, None) for table in tables]
        except Exception:  # noqa: BLE001  the laws report what is wrong with it
            return ""
        return "" if not tables or any(found) else f"it has no `{member}`"

    return applies


@law(
    "H28",
    why="the engine hands over the layers that a head declares, and those of other heads beside them",
    mistake="all layers taken that happen to be there, by their place in the mapping, or one too many",
    given=cases,
    corners=odd_cases,
    applies=having("layers"),
)
def declared_layers_are_read(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """Depths are whole numbers from 0 to that of the backbone; other layers, in any order, change nothing."""
    sat = exam(subject, case)
    depths = getattr(sat.head, "layers", None)
    if not depths or isinstance(depths, nn.Module):
        return
    _check_depths(depths, DEPTH)
    require(
        sat.head.needs == "tokens", f"it declares layers, so needs must be 'tokens', not {sat.head.needs!r}"
    )
    mine = sat.answer()
    for turned in (False, True):
        features = [_with_others(each, turned) for each in sat.features]
        told = attrs.evolve(sat, features=features).answer().differs(mine)
        require(not told, f"beside layers that it does not declare, {told}")
    for depth in (1, DEPTH + 2):
        try:
            other = sat.lesson.make(attrs.evolve(sat.lesson.context(), depth=depth))
        except MtlkitError:
            continue
        _check_depths(getattr(other, "layers", ()), depth)


@law(
    "H29",
    why="scores are wanted where no labels are known; what a head reads to give them must be there then",
    mistake="the right answer among the inputs, or inputs padded to the longest gold span",
    given=cases,
    corners=odd_cases,
    applies=having("inputs"),
)
def inputs_need_no_labels(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """Inputs of rows without labels are those of rows with them, and can be moved to a device."""
    sat = exam(subject, {**case, "missing": []}, torch.float32)
    if not hasattr(sat.head, "inputs"):
        return
    before = copy.deepcopy(sat.rows)
    inputs = sat.head.inputs(sat.rows)
    require(hasattr(inputs, "to"), f"inputs are {type(inputs).__name__}, without a method to(device)")
    require(sat.rows == before, "inputs changed the rows")
    wanted = sat.guesses()
    for blank in (None, ""):
        bare = attrs.evolve(sat, rows=[{**row, **dict.fromkeys(sat.labels, blank)} for row in sat.rows])
        require(same(bare.guesses(), wanted), "without labels in the rows, the scores are others")
    gone: list[Record] = [{k: v for k, v in row.items() if k not in sat.labels} for row in sat.rows]
    require(
        same(attrs.evolve(sat, rows=gone).guesses(), wanted), "without columns of labels, scores are others"
    )


@law(
    "H30",
    why="rows are prepared once and changed anew in each step, and a run that resumes must change them alike",
    mistake="ids changed in place, numpy's global generator, special tokens masked",
    given=cases,
    corners=odd_cases,
    applies=having("corrupt"),
)
def corruption_is_drawn_from_its_generator(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """The same generator gives the same rows and targets; what it was given is left as it was."""
    sat = exam(subject, case, torch.float32)
    if not corrupts(sat.head):
        return
    items = toy_rows(sat.head.views[0], sat.rows, case)
    before = copy.deepcopy(items)
    one, other = (_corrupted(sat.head, items, case["seed"], number) for number in (1, 2))
    require(plain(items) == plain(before), "corrupt changed the prepared rows that it was given")
    require(
        plain(one) == plain(other), "the same generator gives other changes; it draws from another one too"
    )
    changed_items, targets = one
    require(len(changed_items) == len(items), f"of {len(items)} rows, corrupt gives {len(changed_items)}")
    require(hasattr(targets, "to"), f"targets are {type(targets).__name__}, without a method to(device)")
    for item, after in zip(items, changed_items, strict=True):
        _check_changed(item, after)
    many = [*items] * 8
    draws = {repr(plain(_corrupted(sat.head, many, seed, 1))) for seed in range(3)}
    count = float(sat.head.count(_corrupted(sat.head, many, 0, 1)[1]))
    require(
        len(draws) > 1 or count == 0, "other generators give the same changes; it does not draw from them"
    )


@law(
    "H31",
    why="before each evaluation a head is fitted anew to the features as they are then",
    mistake="sums kept from the fit before, a random start, the first row as a special case, weights changed",
    given=cases,
    corners=odd_cases,
    applies=having("fit"),
    share=0.3,
)
def fitting_starts_anew(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """A fit depends on its rows alone: not on their order, chance or earlier fits; it sets buffers only."""
    sat = exam(subject, {**case, "missing": []})
    if not hasattr(sat.head, "fit"):
        return
    lesson, rows = sat.lesson, list(sat.lesson.rows)
    weights = {name for name, _ in sat.head.named_parameters()}
    before = {name: each for name, each in state_of(sat.head).items() if name in weights}
    wanted = _fitted_scores(sat, case, rows)
    moved = [name for name in changed(before, state_of(sat.head)) if name in weights]
    require(not moved, f"fit changed the weights {', '.join(moved)}; it sets buffers only")
    require(not sat.head.training, "fit left it in train mode")
    told = far(_fitted_scores(sat, case, rows[::-1]), wanted)
    require(not told, f"fitted to the rows in another order, it gives other scores: {told}")
    bare = {**rows[0], **dict.fromkeys(sat.labels)}
    if not any(name in view for view in sat.head.views for name in sat.labels):
        told = far(_fitted_scores(sat, case, rows, bare), wanted)
        require(not told, f"fitted to one more row that has no label, it gives other scores: {told}")
    fitted(lesson, sat.head, {**case, "noise": 3}, sat.dtype, rows[: len(rows) // 2])
    with torch.random.fork_rng():
        torch.manual_seed(case["seed"])
        told = far(_fitted_scores(sat, case, rows), wanted)
    require(not told, f"fitted to other rows before, it gives other scores: {told}")
    _check_buffers(sat, wanted)


@law(
    "H32",
    why="predictions are written where no labels are known, one line for each row",
    mistake="the gold label beside the prediction, arrays that JSON can't hold, rows left out",
    given=cases,
    corners=odd_cases,
    applies=having("present"),
)
def presented_predictions_are_plain(subject: Subject, **case: Any) -> None:  # noqa: ANN401  a case
    """What is shown of predictions are plain values, one for each row, without a look at labels."""
    sat = exam(subject, {**case, "missing": []}, torch.float32)
    if not hasattr(sat.head, "present"):
        return
    predictions = sat.decoded(sat.guesses())
    kept = copy.deepcopy(predictions)
    shown = sat.head.present(predictions, sat.rows)
    require(isinstance(shown, list) and len(shown) == len(sat.rows), f"{len(sat.rows)} rows give {shown!r}")
    require(alike(list(predictions), list(kept)), "present changed the predictions")
    for each in shown:
        told = f"it shows {type(each).__name__} {each!r}; it should be of plain values"
        require(is_plain(each) and _fits_json(each), told)
    labels = [name for name in sat.labels if not any(name in view for view in sat.head.views)]
    bare = [{**row, **dict.fromkeys(labels)} for row in sat.rows]
    found = sat.head.present(sat.decoded(sat.guesses()), bare)
    require(alike(found, shown), f"without labels it shows {found} and not {shown}")
    for at, row in enumerate(sat.rows):
        alone = sat.head.present([predictions[at]], [row])
        require(alike(alone, [shown[at]]), f"alone, row {at} is shown as {alone} and not as {[shown[at]]}")


@law(
    "H33",
    why="backbones differ: some read no text, have no mask token, or do not say where their tokens are",
    mistake="a bare AttributeError on None in the middle of a run, a size or a depth taken for granted",
    given=tables,
    corners=first,
    share=0.3,
)
def other_backbones_work_or_are_refused(subject: Subject, options: Table) -> None:
    """With a backbone that says less, a head works or raises RecipeError; it never fails by accident."""
    lesson = lesson_of(subject, options)
    wide = toy_vocabulary(HIDDEN + 3)
    for told, vocabulary, depth in (
        ("whose embeddings have another width", wide, DEPTH),
        ("without a mask token", toy_vocabulary(HIDDEN, None), DEPTH),
        ("that reads no text", None, DEPTH),
        ("without blocks", lesson.context().vocabulary, 0),
    ):
        context = HeadContext(TASK, HIDDEN, lesson.labels, depth, vocabulary)
        _check_backbone(lesson, context, told, silent=vocabulary is None)


def _check_backbone(lesson: Lesson, context: HeadContext, told: str, silent: bool) -> None:
    case = {"seed": 1, "longest": 3, "extra": 0}
    rows = lesson.sample(2, 0)
    try:
        head = lesson.make(context).eval()
        sat = sitting(lesson, head, rows, case)
        if silent:
            mute = [attrs.evolve(each, ids=None, texts=None, spans=None) for each in sat.features]
            sat = attrs.evolve(sat, features=mute)
        sat.head.loss(sat.scores(), sat.targets())
        sat.decoded(sat.guesses())
    except MtlkitError:
        return
    except Exception as error:  # noqa: BLE001  any other error is the finding
        message = f"on a backbone {told} it raises {type(error).__name__}: {error}"
        require(False, f"{message}; RecipeError with what would be right would be better")


def _fits_json(value: Any) -> bool:  # noqa: ANN401  what is shown
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def _check_depths(depths: Any, highest: int) -> None:  # noqa: ANN401  what the head declares
    whole = isinstance(depths, tuple) and all(type(depth) is int for depth in depths)
    require(whole, f"layers is {depths!r}; it should be a tuple of whole numbers")
    outside = [depth for depth in depths if not 0 <= depth <= highest]
    require(not outside, f"layers names {outside}; with {highest} blocks there are 0 to {highest}")
    require(len(set(depths)) == len(depths), f"layers names a depth twice: {depths}")


def _with_others(features: Any, turned: bool) -> Any:  # noqa: ANN401  features
    others = {depth: torch.full_like(features.tokens, GARBAGE) for depth in range(-1, DEPTH + 3)}
    layers = {**others, **features.layers}
    return attrs.evolve(features, layers=dict(reversed(layers.items())) if turned else layers)


def _corrupted(head: Any, items: Sequence[Any], seed: int, other: int) -> tuple[list[Any], Any]:  # noqa: ANN401
    kept = np.random.get_state()
    np.random.seed(other)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(other)
            items, targets = head.corrupt(list(items), np.random.default_rng(seed))
    finally:
        np.random.set_state(kept)
    return list(items), targets


def _check_changed(item: Any, after: Any) -> None:  # noqa: ANN401  prepared rows
    """A row that is as long as before has its special tokens, and only ids that there are."""
    ids = np.asarray(after.ids)
    require(len(after) == len(ids), f"a changed row of {len(ids)} ids has the length {len(after)}")
    require(
        bool(((ids >= 0) & (ids < SIZE)).all()), f"a changed row has ids that do not exist: {ids.tolist()}"
    )
    if len(after) != len(item):
        return
    special = (np.asarray(item.ids) < SPECIALS) & (np.asarray(item.ids) != MASK)
    kept = bool((ids[special] == np.asarray(item.ids)[special]).all())
    require(kept, f"special tokens were changed: {np.asarray(item.ids).tolist()} became {ids.tolist()}")


def _fitted_scores(sat: Exam, case: Any, rows: Sequence[Any], bare: Any = None) -> Tensor:  # noqa: ANN401
    """The scores after a fit to the rows, each of them with the same features in whatever order.

    `bare` is one more row, which has no label.
    """
    all_rows = [*sat.lesson.rows, *([] if bare is None else [bare])]
    features = features_for(sat.head, all_rows, {**case, "longest": 6, "seed": 0}, sat.dtype)
    order = [next(at for at, row in enumerate(all_rows) if row is one) for one in rows]
    order += [] if bare is None else [len(all_rows) - 1]
    chosen = Exam(sat.lesson, sat.head, all_rows, features, sat.dtype).only(order)
    kept, before = copy.deepcopy(chosen.rows), [plain(each) for each in chosen.features]
    with torch.no_grad():
        sat.head.fit(chosen.features, chosen.rows)
    require(chosen.rows == kept, "fit changed the rows")
    require([plain(each) for each in chosen.features] == before, "fit wrote into the features")
    return sat.guesses()


def _check_buffers(sat: Exam, wanted: Tensor) -> None:
    """A head built anew that is given weights and buffers is fitted as well."""
    other = sat.lesson.build().to(sat.dtype)
    modules: dict[str, nn.Module] = dict(other.named_modules())
    for name, buffer in sat.head.named_buffers():
        module, _, leaf = name.rpartition(".")
        modules[module].register_buffer(leaf, buffer.clone())
    try:
        told = far(attrs.evolve(sat, head=other).guesses(), wanted)
    except Exception as error:  # noqa: BLE001  a head that is not fitted may fail in any way
        told = f"{type(error).__name__}: {error}"
    require(not told, f"a head with the same buffers gives other scores; fit sets something else: {told}")
