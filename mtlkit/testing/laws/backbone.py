"""Laws of backbones: what comes out for which rows, and that rows do not disturb each other."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import torch
from attrs import frozen
from hypothesis import strategies as st
from torch import Tensor

from mtlkit.contracts.backbone import Features
from mtlkit.testing.asking import Questions
from mtlkit.testing.backbone_rows import COUNT, Lab, encoded, far, lab_of, precise, real
from mtlkit.testing.law import Values, law, require
from mtlkit.testing.laws.general import first, subject_tasks
from mtlkit.testing.modules import changed, flags_of, same, state_of
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
FORMS = ("text", "pair", "words")
LONGEST = {"text": 4, "pair": 4, "words": 3}


@frozen(eq=False)
class Pupil:
    """A backbone under questions, with rows that it reads."""

    lab: Lab
    module: Any


def build(subject: Subject, table: Table) -> Pupil:
    """The backbone with that options table, in eval mode."""
    lab = lab_of(subject, table)
    return Pupil(lab, lab.build())


def fresh(pupil: Pupil) -> Any:  # noqa: ANN401  a backbone
    """Another backbone with the same options, built without any precaution."""
    return pupil.lab.make()


def questions(pupil: Pupil, subject: Subject) -> Questions:
    """Its sizes, the place of every weight, lengths and features of rows of each form."""
    module = pupil.module
    asked: dict[str, Callable[[], Any]] = {
        "sizes": lambda: [module.hidden_size, module.depth],
        "places": lambda: {name: list(module.place(name)) for name, _ in module.named_parameters()},
    }
    for form in pupil.lab.forms:
        rows = pupil.lab.rows(form, [0, 2, 5])
        asked[f"lengths of {form} rows"] = partial(_lengths, module, rows)
        asked[f"features of {form} rows"] = partial(_features, module, rows)
    return asked


def cases(subject: Subject) -> st.SearchStrategy[Values]:
    """An options table, a form of rows, and which of them make a batch."""
    return st.fixed_dictionaries(
        {
            "options": subject.tables(subject_tasks()),
            "form": st.sampled_from(FORMS),
            "rows": st.lists(st.integers(0, COUNT - 1), min_size=1, max_size=4),
        }
    )


def odd_cases(subject: Subject) -> Iterable[Values]:
    """One short row, rows of several lengths, rows that are cut, for each form."""
    try:
        subject.options(subject.first_table)
    except ValueError:
        return []
    table = subject.first_table
    shapes = [{"form": form, "rows": rows} for form in FORMS for rows in ([1], [0, 5, 1], [2, 3, 0])]
    long = [{"form": form, "rows": [LONGEST[form], 1]} for form in FORMS]
    return [{"options": table, **shape} for shape in [*shapes, *long]]


@law(
    "B1",
    why="every head and the store rely on these shapes, on the mask and on the numbers of words",
    mistake="hidden_size of another layer, an integer mask, words numbered over all rows or from 1",
    given=cases,
    corners=odd_cases,
)
def features_have_their_shapes(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """Features are [B, T, H] with a mask and words [B, T]; states at real tokens are finite."""
    lab = lab_of(subject, options)
    backbone, given = lab.build(), lab.rows(form, rows)
    for name, least in (("hidden_size", 1), ("depth", 0)):
        value = getattr(backbone, name, None)
        require(isinstance(value, int) and value >= least, f"{name} is {value!r}; it should be an int")
    items = backbone.prepare(given)
    require(len(items) == len(given), f"prepare gives {len(items)} items for {len(given)} rows")
    batch = backbone.collate(items)
    require(hasattr(batch, "to"), f"the batch is {type(batch).__name__}, without a method to(device)")
    found = backbone.forward(batch.to("cpu"))
    shape = (len(given), found.mask.shape[1])
    require(found.mask.dtype == torch.bool, f"the mask is of {found.mask.dtype}; it should be bool")
    wanted = {"tokens": (*shape, backbone.hidden_size), "mask": shape, "words": shape}
    for name, size in wanted.items():
        mine = tuple(getattr(found, name).shape)
        require(mine == size, f"{name} of {len(given)} rows have shape {mine}; {size} would be right")
    for name in ("mask", "words"):
        told = f"the batch and the features have different {name}"
        require(same(getattr(batch, name).to(found.mask.device), getattr(found, name)), told)
    require(bool(torch.isfinite(found.tokens[found.mask]).all()), "a state at a real token is not finite")
    for at, row in enumerate(given):
        _check_words(found, at, row)


@law(
    "B2",
    why="how much padding a row gets depends on its neighbours; it must not change what heads see",
    mistake="attention without the mask, positions counted over padding, a norm over the whole batch",
    given=cases,
    corners=odd_cases,
)
def padding_changes_nothing(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """A row has the same states alone as beside a longer row."""
    lab = lab_of(subject, options)
    backbone, given = precise(lab), lab.rows(form, rows)
    beside = lab.rows(form, range(COUNT))
    with torch.no_grad():
        lengths = [len(item) for item in backbone.prepare(beside)]
        longest = beside[lengths.index(max(lengths))]
        for row in given:
            (_, alone), (_, both) = encoded(backbone, [row]), encoded(backbone, [row, longest])
            told = far(real(both, 0), real(alone, 0))
            require(not told, f"beside a longer row, {str(row)[:60]} has other states: {told}")


@law(
    "B3",
    why="evaluation and the store sort rows by length",
    mistake="state carried from row to row",
    given=cases,
    corners=odd_cases,
)
def features_follow_the_rows(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """Rows in another order have their features in that order."""
    lab = lab_of(subject, options)
    backbone, given = precise(lab), lab.rows(form, rows)
    with torch.no_grad():
        (_, one), (_, other) = encoded(backbone, given), encoded(backbone, given[::-1])
    for at in range(len(given)):
        told = far(real(other, len(given) - 1 - at), real(one, at))
        require(not told, f"in reverse order row {at} has other states: {told}")


@law(
    "B4",
    why="what is stored of a row must hold in whatever batch it is used",
    mistake="batch statistics in eval mode, or attention over the whole batch",
    given=cases,
    corners=odd_cases,
)
def rows_do_not_see_each_other(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """In eval mode a row's states do not change with the other rows of its batch."""
    lab = lab_of(subject, options)
    backbone, given = precise(lab), lab.rows(form, rows)
    with torch.no_grad():
        _, whole = encoded(backbone, given)
        for other in lab.rows(form, (0, 5)):
            _, found = encoded(backbone, [given[0], *[other] * (len(given) - 1)])
            told = far(real(found, 0), real(whole, 0))
            require(not told, f"among other rows, {str(given[0])[:60]} has other states: {told}")


@law(
    "B6",
    why="evaluation must not move a frozen backbone, nor may it give another answer the next time",
    mistake="a running statistic or a cache updated in forward, dropout that ignores eval mode",
    given=cases,
    corners=odd_cases,
)
def eval_changes_nothing(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """In eval mode forward changes no weight, buffer or mode, and repeats bit for bit under any seed."""
    lab = lab_of(subject, options)
    backbone, given = lab.build(), lab.rows(form, rows)
    before, flags = state_of(backbone), flags_of(backbone)
    found = [_seeded(backbone, given, seed) for seed in (1, 2)]
    require(same(*found), "in eval mode two runs give different states")
    moved = changed(before, state_of(backbone)) + changed(flags, flags_of(backbone))
    require(not moved, f"in eval mode forward changed {', '.join(moved)}")
    backbone.train()
    before, flags = dict(state_of(backbone)), flags_of(backbone)
    if len(given) > 1:
        _seeded(backbone, given, 1)
        buffers = {name for name, _ in backbone.named_buffers()}
        moved = [name for name in changed(before, state_of(backbone)) if name not in buffers]
        moved += changed(flags, flags_of(backbone))
        require(not moved, f"in train mode forward changed {', '.join(moved)}")


@law(
    "B7",
    why="what trains in eval mode trains without its dropout, and nobody sees it",
    mistake="train() overridden so that it stays in eval mode, or a plain list of blocks",
    given=lambda subject: st.fixed_dictionaries({"options": subject.tables(subject_tasks())}),
    corners=first,
    share=0.2,
)
def modes_are_kept(subject: Subject, options: Table) -> None:
    """eval() puts every module in eval mode, and train() every one whose own weights train, each time alike.

    A module with running statistics may stay in eval mode, and so may one that is frozen.
    """
    backbone = lab_of(subject, options).make()
    seen = []
    for _ in range(2):
        backbone.eval()
        left = [name or "the backbone" for name, module in backbone.named_modules() if module.training]
        require(not left, f"after eval() these are in train mode: {', '.join(left[:4])}")
        backbone.train()
        require(bool(backbone.training), "after train() the backbone is in eval mode")
        left = [name for name, module in backbone.named_modules() if not module.training and _trains(module)]
        require(not left, f"after train() these are in eval mode: {', '.join(left[:4])}")
        seen.append(flags_of(backbone))
    again = changed(*seen)
    require(not again, f"train() after eval() leaves other modes than at first: {', '.join(again[:4])}")


def _trains(module: torch.nn.Module) -> bool:
    """Whether it has weights of its own that train, and no statistics that it keeps of what it saw."""
    trains = any(each.requires_grad for each in module.parameters(recurse=False))
    return trains and not any(True for _ in module.buffers(recurse=False))


def _seeded(backbone: Any, rows: Any, seed: int) -> Tensor:  # noqa: ANN401  a backbone
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        return encoded(backbone, rows)[1].tokens


def _lengths(backbone: Any, rows: Any) -> list[int]:  # noqa: ANN401  a backbone
    return [len(item) for item in backbone.prepare(rows)]


def _features(backbone: Any, rows: Any) -> list[Tensor]:  # noqa: ANN401  a backbone
    with torch.no_grad():
        found = encoded(backbone, rows)[1]
    return [found.tokens, found.mask, found.words]


def _check_words(found: Features, at: int, row: Any) -> None:  # noqa: ANN401  a row of a view
    mask, words = found.mask[at], found.words[at]
    require(bool(mask.any()), f"the row {str(row)[:60]} has no real token")
    require(bool((words[~mask] == -1).all()), "padding has numbers of words; they should be -1")
    numbers = words[words >= 0].tolist()
    require(bool((words >= -1).all()), f"numbers of words are {words.tolist()}; from -1 would be right")
    listed = len(row) == 1 and isinstance(row[0], list | tuple)
    if not listed or not all(isinstance(each, str) for each in row[0]):
        return
    told = f"the words {row[0][:6]!s} have the numbers {numbers[:12]}"
    require(numbers == sorted(numbers), f"{told}, which are not in order")
    require(bool(numbers) and numbers[0] == 0, f"{told}; they should begin with 0")
    require(numbers[-1] < len(row[0]), f"{told}, more than there are words")
