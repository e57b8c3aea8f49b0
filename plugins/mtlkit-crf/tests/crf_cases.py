"""The head with made-up features: two tokens to a word, and rubbish wherever the mask is False."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import torch
from mtlkit_crf.head import CrfHead
from mtlkit_crf.options import Crf
from torch import Tensor

import mtlkit

HIDDEN = 6
TAGS = ("B-X", "I-X", "O")
ROWS: list[mtlkit.Record] = [
    {"tokens": ["u", "v", "w"], "tags": ["B-X", "I-X", "O"]},
    {"tokens": ["u"], "tags": None},
    {"tokens": ["u", "v"], "tags": ["O", None]},
    {"tokens": [], "tags": []},
    {"tokens": ["u", "v", "w", "x"], "tags": ["O", "", "I-X", "O"]},
    {"tokens": ["y"], "tags": ["B-X"]},
    {"tokens": ["u", "v"], "tags": [None, ""]},
]
BLANK: list[mtlkit.Record] = [{**row, "tags": None} for row in ROWS]


def build(tags: tuple[str, ...] = TAGS, dtype: torch.dtype = torch.float64, **options: Any) -> CrfHead:
    """The head in eval mode, with transitions and starts that are not 0."""
    torch.manual_seed(0)
    head = CrfHead(Crf(**{"dropout": 0.0, **options}), mtlkit.HeadContext("t", HIDDEN, tags))
    torch.nn.init.normal_(head.start)
    torch.nn.init.normal_(head.transitions)
    return head.to(dtype).eval()


def features(
    rows: list[mtlkit.Record], dtype: torch.dtype = torch.float64, extra: int = 0, most: int = 99
) -> mtlkit.Features:
    """Features of rows with `extra` columns of padding, of no more than `most` words of a row."""
    counts = [min(len(row["tokens"]), most) for row in rows]
    shape = (len(rows), 2 + 2 * max(counts, default=0) + extra)
    mask, words = torch.zeros(shape, dtype=torch.bool), torch.full(shape, 7)
    states = torch.full((*shape, HIDDEN), float("nan"), dtype=dtype)
    for place, (row, count) in enumerate(zip(rows, counts, strict=True)):
        random = torch.Generator().manual_seed(crc32(repr(row["tokens"]).encode()))
        drawn = torch.randn(2 + 2 * len(row["tokens"]), HIDDEN, generator=random, dtype=torch.float64)
        states[place, : 2 + 2 * count] = drawn[: 2 + 2 * count].to(dtype)
        mask[place, : 2 + 2 * count] = True
        words[place, : 2 + 2 * count] = -1
        words[place, 1 : 1 + 2 * count] = torch.arange(count).repeat_interleave(2)
    return mtlkit.Features(states, mask, words)


def term(head: CrfHead, rows: list[mtlkit.Record], **options: Any) -> mtlkit.LossTerm:
    """The loss of rows, its count checked."""
    targets = head.targets(rows)
    found = head.loss(head([features(rows, **options)]), targets)
    assert head.count(targets) == found.count
    return found


def gradients(head: CrfHead, loss: Tensor) -> dict[str, Tensor | None]:
    """The gradient of every weight."""
    head.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    return {name: weight.grad for name, weight in head.named_parameters()}
