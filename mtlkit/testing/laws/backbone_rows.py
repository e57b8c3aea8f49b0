"""Laws of backbones about rows before the forward pass: encoding, cost, padding, odd texts."""

import copy
from collections.abc import Mapping
from itertools import pairwise
from math import inf
from typing import Any

import torch
from torch import Tensor

from mtlkit.testing.backbone_rows import COUNT, LONG, encoded, lab_of
from mtlkit.testing.law import law, require
from mtlkit.testing.laws.backbone import cases, odd_cases
from mtlkit.testing.laws.general import first, tables
from mtlkit.testing.modules import same, survivors
from mtlkit.testing.subject import Subject

Table = Mapping[str, Any]
OTHERS = ("x", "house", "rain", "Zürich", "7", "green", "walks", "Monday", "?", "under", "été", "yes")
FEW_IDS = 8
NARROW = 2
ODD = ("", " ", "\n\t", "x", "☃", "e\u0301", "\u202eabc", "\x00", "<pad> [CLS] </s>", LONG)


@law(
    "B14",
    why="rows are encoded once and collated in every epoch",
    mistake="padding written into the items, pop() on a row, a tensor of an item handed out and changed",
    given=cases,
    corners=odd_cases,
)
def items_can_be_used_again(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """Collating and encoding again, alone or beside others, gives the same batch; rows are not changed."""
    lab = lab_of(subject, options)
    backbone, given = lab.build(), lab.rows(form, rows)
    before = copy.deepcopy(given)
    items = backbone.prepare(given)
    lengths = [len(item) for item in items]
    require(given == before, "prepare changed the rows")
    with torch.no_grad():
        one = backbone.forward(backbone.collate(items))
        alone = backbone.collate(items[:1]).mask
        batch = backbone.collate(items)
        other, again = backbone.forward(batch), backbone.forward(batch)
    told = f"collated beside others, a row of {lengths[0]} tokens has {alone.shape[1]} alone"
    require(tuple(alone.shape) == (1, lengths[0]) and bool(alone[0, 0]), told)
    require([len(item) for item in items] == lengths, "collating changed the lengths of items")
    for found, how in ((other, "collated again"), (again, "run again on one batch")):
        for name in ("tokens", "mask", "words"):
            require(same(getattr(found, name), getattr(one, name)), f"{how}, the rows have other {name}")


@law(
    "B15",
    why="data has empty cells, single letters, any script and texts beyond every limit",
    mistake="an empty tensor for an empty text, positions beyond the table, empty words not counted",
    given=tables,
    corners=first,
    share=0.3,
)
def odd_texts_work(subject: Subject, options: Table) -> None:
    """Empty, single-token, over-long and Unicode texts, missing ones and lists of no words have features."""
    lab = lab_of(subject, options)
    backbone = lab.build()
    if "text" not in lab.forms:
        _check_run(backbone, lab.rows("example", range(8)))
        return
    for text in ODD:
        for row in ((text,), (text, "x"), ("x", text), ([text, "x"],), ([text],)):
            _check_run(backbone, [row])
    for missing in ((None,), (None, None), ([],), ([None, "x"],)):
        _check_run(backbone, [missing])
    _check_numbering(backbone)


@law(
    "B29",
    why="a part of a row that does not reach the features can't be learned from",
    mistake="the second text dropped, the two sorted, every word unknown, a list of words joined to nothing",
    given=tables,
    corners=first,
    share=0.3,
)
def every_part_of_a_row_counts(subject: Subject, options: Table) -> None:
    """Another word in a text, in either of a pair or in a list gives other features; so do other rows."""
    lab = lab_of(subject, options)
    backbone = lab.build()
    longest = max(map(len, backbone.prepare([(LONG,), ("x",)])) if "text" in lab.forms else [0])
    if backbone.hidden_size == 1 or _ids(backbone) < FEW_IDS:
        return  # a single number is normalised to 0; where ids are few, words share them
    # two numbers, normalised, are each other's opposites for most words; their gradients tell words apart
    narrow = backbone.hidden_size <= NARROW
    rows: dict[str, list[Any]] = {"of a row": list(lab.rows("example", range(8)))}
    if "text" in lab.forms:
        rows = {
            "of a text": [(word,) for word in OTHERS],
            "of a first text": [(word, "x") for word in OTHERS],
            "of a second text": [("x", word) for word in OTHERS],
            "of a list": [([word],) for word in OTHERS],
        }
    for told, alternatives in rows.items():
        with torch.no_grad():
            found = [encoded(backbone, [row])[1] for row in alternatives]
        if "text" in lab.forms and 2 * max(each.tokens.shape[1] for each in found) > longest:
            continue  # rows may be cut
        alike = all(same(each.tokens, found[0].tokens) for each in found[1:])
        if alike and narrow:
            first_slopes, *others = [_slopes(backbone, row) for row in alternatives]
            alike = all(same(slopes, first_slopes) for slopes in others)
        require(not alike, f"whatever the words {told}, the features are the same")
    fits = "text" in lab.forms and 2 * len(backbone.prepare([(OTHERS[0], OTHERS[1])])[0]) <= longest
    if fits and not narrow:
        _check_order(backbone)


def _slopes(backbone: Any, row: Any) -> torch.Tensor:  # noqa: ANN401  a backbone and a row of its own
    """What the weights would learn from the features of a row, as one list of numbers."""
    tokens = encoded(backbone, [row])[1].tokens
    weights = [each for each in backbone.parameters() if each.requires_grad]
    wave = torch.linspace(-1, 1, tokens.numel(), dtype=tokens.dtype).reshape(tokens.shape)
    found = torch.autograd.grad((tokens * wave).sum(), weights, allow_unused=True)
    pairs = zip(found, weights, strict=True)
    return torch.cat([(torch.zeros_like(w) if g is None else g.to_dense()).flatten() for g, w in pairs])


def _ids(backbone: Any) -> float:  # noqa: ANN401  a backbone
    """How many ids there are for words, as far as it says so."""
    if not hasattr(backbone, "vocabulary"):
        return inf
    vocabulary = backbone.vocabulary()
    return vocabulary.size - len(vocabulary.special)  # type: ignore[no-any-return]


def _check_order(backbone: Any) -> None:  # noqa: ANN401  a backbone
    """A pair of texts is another one the other way round."""
    pairs = pairwise(OTHERS)
    with torch.no_grad():
        turned = [[encoded(backbone, [row])[1].tokens for row in (pair, pair[::-1])] for pair in pairs]
    alike = all(same(one, other) for one, other in turned)
    require(not alike, "a pair of texts has the same features the other way round")


@law(
    "B16",
    why="batches, micro-batches and the store are laid out by the cost of rows",
    mistake="len() before special tokens are added or before the text is cut",
    given=cases,
    corners=odd_cases,
)
def cost_is_the_number_of_tokens(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """The length of an item is how many tokens its row has; the longest row has no padding.

    Rows of more tokens than the shortest of all may have masked ones among them, as where windows overlap.
    """
    lab = lab_of(subject, options)
    backbone = lab.build()
    items = backbone.prepare(lab.rows(form, rows))
    mask = backbone.collate(items).mask
    lengths, real = [len(item) for item in items], mask.sum(1).tolist()
    shortest = min(len(item) for item in backbone.prepare(lab.rows(form, range(COUNT))))
    for length, tokens in zip(lengths, real, strict=True):
        right = tokens == length if length == shortest else tokens <= length
        require(right, f"the items have lengths {lengths}, and their rows {real} real tokens")
    require(mask.shape[1] == max(lengths), f"{mask.shape[1]} columns for rows of {lengths} tokens")
    for item in items:
        alone = int(backbone.collate([item]).mask.shape[1])
        require(alone == len(item), f"an item of length {len(item)} has {alone} tokens alone")


@law(
    "B17",
    why="stored states are cut and padded on the right, and heads may take the first token",
    mistake="a tokenizer that pads on the left",
    given=cases,
    corners=odd_cases,
)
def padding_is_on_the_right(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """The tokens of a row come first, a real one before all others."""
    lab = lab_of(subject, options)
    backbone = lab.build()
    items = backbone.prepare(lab.rows(form, rows))
    mask = backbone.collate(items).mask
    lengths = torch.tensor([[len(item)] for item in items])
    inside = torch.arange(mask.shape[1]) < lengths
    right = bool(mask[:, 0].all()) and not bool((mask & ~inside).any())
    require(right, f"the mask is {mask.int().tolist()}; padding belongs on the right")


@law(
    "B18",
    why="a row is encoded once, in whatever company, and its encoding is used for the whole run",
    mistake="padding or truncating to the longest of the rows given to `prepare`, a vocabulary that grows",
    given=cases,
    corners=odd_cases,
)
def rows_are_prepared_alone(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """Rows prepared together and one by one, in any order, give the same items."""
    lab = lab_of(subject, options)
    backbone, given = lab.build(), lab.rows(form, rows)
    together, apart = backbone.prepare(given), lab.build()
    alone = [item for row in given[::-1] for item in apart.prepare([row])][::-1]
    require(
        [len(item) for item in together] == [len(item) for item in alone],
        "rows prepared one by one have other lengths",
    )
    with torch.no_grad():
        one, other = (backbone.forward(backbone.collate(items)) for items in (together, alone))
    require(same(one.tokens, other.tokens), "rows prepared one by one have other features")
    require(same(one.words, other.words), "rows prepared one by one have other numbers of words")


@law(
    "B24",
    why="memory of a run stays flat only if every batch is let go",
    mistake="hooks or attributes that keep hidden states",
    given=cases,
    corners=odd_cases,
    share=0.3,
)
def nothing_of_a_batch_is_kept(subject: Subject, options: Table, form: str, rows: list[int]) -> None:
    """After a batch the backbone holds neither its features nor its mask."""
    lab = lab_of(subject, options)
    backbone, given = lab.build(), lab.rows(form, rows)

    def run() -> dict[str, Tensor]:
        batch, found = encoded(backbone, given)
        return {"the features": found.tokens, "the mask": batch.mask, "the words": batch.words}

    kept = survivors(run)
    require(not kept, f"after a batch something still holds {' and '.join(kept)}")


def _check_numbering(backbone: Any) -> None:  # noqa: ANN401  a backbone
    """A word of which there is no token has a number all the same, unless the row is cut."""
    with torch.no_grad():
        batch, found = encoded(backbone, [(["x", "", "y"],), (LONG.split(),)])
    numbers = sorted({number for number in found.words[0].tolist() if number >= 0})
    cut = 2 * int(batch.mask[0].sum()) > int(batch.mask[1].sum())
    told = f"the words ['x', '', 'y'] have the numbers {numbers}; y is number 2"
    require(cut or not numbers or numbers[-1] == 2, told)


def _check_run(backbone: Any, rows: Any) -> None:  # noqa: ANN401  a backbone
    told = f"for the row {str(rows[0])[:60]}"
    with torch.no_grad():
        batch, found = encoded(backbone, rows)
    require(bool(batch.mask[0].any()), f"{told} there is no real token")
    require(bool(torch.isfinite(found.tokens[found.mask]).all()), f"{told} a state is not finite")
