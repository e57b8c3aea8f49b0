"""Laws of backbones that read text and say so: their vocabulary, and where their tokens are."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mtlkit.contracts.backbone import Vocabulary
from mtlkit.testing.backbone_rows import COUNT, LONG, ViewRow, encoded, lab_of
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.backbone import cases, odd_cases
from mtlkit.testing.laws.general import first, tables
from mtlkit.testing.modules import same
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]


def offers(member: str) -> Callable[[Subject], str]:
    """Applies to backbones that have a method which a backbone need not have."""

    def applies(subject: Subject) -> str:
        try:
            subject.options(subject.first_table)
            found = hasattr(lab_of(subject, subject.first_table).build(), member)
        except Exception:  # noqa: BLE001  the laws report what is wrong with it
            return ""
        return "" if found else f"it has no `{member}`"

    return applies


@law(
    "B27",
    why="a head that guesses tokens needs their number, their embeddings and what stands for nothing",
    mistake="the size of the tokenizer for that of the table, or a copy of the embeddings",
    given=tables,
    corners=first,
    applies=offers("vocabulary"),
    share=0.3,
)
def the_vocabulary_is_that_of_the_batches(subject: Subject, options: Table) -> None:
    """Ids of batches are within its size, padding is its padding, and its table embeds them."""
    lab = lab_of(subject, options)
    backbone = lab.build()
    if not hasattr(backbone, "vocabulary"):
        return
    vocabulary = backbone.vocabulary()
    _check_numbers(vocabulary)
    own = {id(weight) for weight in backbone.parameters()}
    require(id(vocabulary.table) in own, "its table is none of the backbone's parameters")
    told = f"its table has shape {list(vocabulary.table.shape)} for {vocabulary.size} ids"
    require(vocabulary.table.dim() == 2 and len(vocabulary.table) == vocabulary.size, told)
    again = backbone.vocabulary()
    require(again.special == vocabulary.special and again.table is vocabulary.table, "asked twice it differs")
    for form in lab.forms:
        rows = lab.rows(form, (0, 1, 5))
        batch, found = encoded(backbone, rows)
        _check_ids(batch, vocabulary, form, [len(item) for item in backbone.prepare(rows)])
        _check_table(found.tokens[found.mask], batch, vocabulary)
    _check_names(backbone, vocabulary)


@law(
    "B28",
    why="a head that finds answers in a text takes them from it by these numbers",
    mistake="spans in tokens or bytes, in the pair joined to one text, or shifted by the space before a word",
    given=cases,
    corners=odd_cases,
    applies=offers("locate"),
)
def tokens_know_their_place(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """`locate` prepares the same rows, whose tokens say of which text they are, and from where to where."""
    lab = lab_of(subject, options)
    backbone, given = lab.build(), lab.rows(form, rows)
    if not hasattr(backbone, "locate"):
        return
    items = backbone.locate(given)
    batch = backbone.collate(items).to("cpu")
    plain = backbone.collate(backbone.prepare(given)).to("cpu")
    for name in ("mask", "words", "ids"):
        one, other = getattr(batch, name, None), getattr(plain, name, None)
        require(same(one, other), f"rows prepared by `locate` have other {name} than by `prepare`")
    shape = tuple(batch.mask.shape)
    for name, size in (("texts", shape), ("spans", (*shape, 2))):
        found = getattr(batch, name, None)
        require(isinstance(found, Tensor), f"after `locate` the batch says no {name}")
        mine = tuple(found.shape) if isinstance(found, Tensor) else ()
        require(mine == size, f"{name} have shape {mine}; {size} would be right")
    require(
        bool((batch.texts[~batch.mask] == -1).all()), "padding is said to be of a text; -1 would be right"
    )
    # The shortest that is surely cut: in windows the first of a pair is cut where the second runs on.
    everything = list(lab.rows(form, range(COUNT)))
    sizes = [len(item) for item in backbone.prepare(everything)]
    cut = [size for size, row in zip(sizes, everything, strict=True) if _is_long(row)]
    longest = min(cut, default=max(sizes))
    for at, row in enumerate(given):
        _check_places(batch, at, row, whole=2 * len(items[at]) <= longest)


def _is_long(row: ViewRow) -> bool:
    return any(len(part) >= len(LONG.split()) for part in row if isinstance(part, str | list))


def _check_numbers(vocabulary: Vocabulary) -> None:
    size, special = vocabulary.size, vocabulary.special
    ids = {"padding": vocabulary.padding, "mask": vocabulary.mask}
    for name, number in ids.items():
        if number is not None:
            require(0 <= number < size, f"{name} is the id {number}, and there are {size}")
    outside = [number for number in special if not 0 <= number < size]
    require(not outside, f"special ids {outside} are beyond the {size} that there are")
    if vocabulary.mask is not None:
        require(vocabulary.mask in special, f"the mask {vocabulary.mask} is not among the special ids")


def _check_ids(
    batch: Any,  # noqa: ANN401  a batch
    vocabulary: Vocabulary,
    form: str,
    lengths: Sequence[int],
) -> None:
    ids = getattr(batch, "ids", None)
    require(isinstance(ids, Tensor), "it has a vocabulary, and its batches say no ids")
    if not isinstance(ids, Tensor):
        return
    require(
        ids.shape == batch.mask.shape, f"ids have shape {list(ids.shape)}, the mask {list(batch.mask.shape)}"
    )
    real = ids[batch.mask]
    inside = bool(((real >= 0) & (real < vocabulary.size)).all())
    require(inside, f"{form} rows have the ids {real.tolist()[:8]}, and there are {vocabulary.size}")
    behind = [ids[at, length:] for at, length in enumerate(lengths)]
    padded = all(bool((each == vocabulary.padding).all()) for each in behind)
    require(padded, f"rows are padded with other ids than {vocabulary.padding}")


def _check_table(states: Tensor, batch: Any, vocabulary: Vocabulary) -> None:  # noqa: ANN401  a batch
    """The gradient of the states at real tokens reaches no rows of the table but those that the ids name."""
    if not vocabulary.table.requires_grad or not states.requires_grad:
        return
    weigh = torch.randn(states.shape, generator=torch.Generator().manual_seed(0))
    [gradient] = torch.autograd.grad((states * weigh).sum(), [vocabulary.table], allow_unused=True)
    require(gradient is not None, "its table has no gradient: other embeddings are looked up")
    reached = set(gradient.to_dense().abs().sum(1).nonzero().flatten().tolist())
    named = set(batch.ids[batch.mask].tolist())
    require(reached <= named, f"ids {sorted(reached - named)[:5]} are embedded, and no row has them")


def _check_names(backbone: Any, vocabulary: Vocabulary) -> None:  # noqa: ANN401  a backbone
    spell = vocabulary.names or getattr(backbone, "tokens", None)
    if spell is None:
        return
    ids = [*sorted(vocabulary.special), 0, vocabulary.size - 1]
    names: Sequence[Any] = spell(ids)
    text = len(names) == len(ids) and all(isinstance(name, str | None) for name in names)
    require(text, f"the ids {ids} are spelt {names!r}; a text for each would be right")
    require(list(spell(ids[:1])) == list(names[:1]), "an id is spelt otherwise alone than beside others")


def _check_places(batch: Any, at: int, row: Any, whole: bool) -> None:  # noqa: ANN401  a batch, a row
    told = f"of the row {str(row)[:60]}"
    listed = len(row) == 1 and isinstance(row[0], list | tuple)
    spans, texts, words = (getattr(batch, name)[at].tolist() for name in ("spans", "texts", "words"))
    last: dict[tuple[int, int], int] = {}
    covered: dict[tuple[int, int], set[int]] = {}
    for place in batch.mask[at].nonzero().flatten().tolist():
        text, word, (begin, end) = texts[place], words[place], spans[place]
        if text == -1:
            continue
        fits = 0 <= text < len(row) and (not listed or 0 <= word < len(row[0]))
        require(fits, f"{told}, token {place} is said to be of text {text}, word {word}")
        cell = row[0][word] if listed else row[text]
        size = len(str("" if cell is None else cell))
        require(0 <= begin <= end <= size, f"{told}, token {place} is at {begin}:{end} of {size} characters")
        key = (text, word if listed else -1)
        require(
            begin >= last.get(key, 0) or begin == end, f"{told}, token {place} begins before the one before"
        )
        last[key] = begin
        covered.setdefault(key, set()).update(range(begin, end))
    if whole:
        _check_covered(row, listed, covered, told)


def _check_covered(row: Any, listed: bool, covered: Mapping[Any, set[int]], told: str) -> None:  # noqa: ANN401
    """Of plain words every letter belongs to a token."""
    for at, cell in enumerate(row[0] if listed else row):
        if not isinstance(cell, str) or not cell.isascii():
            continue
        known = covered.get((0, at) if listed else (at, -1), set())
        missing = [place for place, letter in enumerate(cell) if letter.isalnum() and place not in known]
        require(
            not missing, f"{told}, {[cell[place] for place in missing[:5]]} of {cell[:30]!r} are of no token"
        )
