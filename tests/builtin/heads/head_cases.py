"""The heads we ship, each with made-up features and rows that it can read."""

from zlib import crc32

import torch
from text_head_cases import CLASSES, HIDDEN, TEXT_CASES

from mtlkit.builtin.heads.class_options import SequenceClassification
from mtlkit.builtin.heads.embedding_options import SentenceEmbedding
from mtlkit.builtin.heads.objectives.options import RankingObjective
from mtlkit.builtin.heads.sentence_embedding import build as build_embedding
from mtlkit.builtin.heads.sequence_classification import SequenceClassificationHead
from mtlkit.builtin.heads.token_classification import TokenClassificationHead
from mtlkit.builtin.heads.token_options import TokenClassification
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.head import HeadContext

TAGS = ("B-X", "I-X", "O")


def sequence(**options):
    context = HeadContext("t", HIDDEN, CLASSES)
    return SequenceClassificationHead(SequenceClassification(**{"dropout": 0.0, **options}), context)


def tokens(**options):
    context = HeadContext("t", HIDDEN, TAGS)
    return TokenClassificationHead(TokenClassification(**{"dropout": 0.0, **options}), context)


def embedding(**options):
    return build_embedding(SentenceEmbedding(**options), HeadContext("t", HIDDEN, ()))


def ranking(**options):
    return RankingObjective("multiple-negatives-ranking", **options)


SEQUENCE_ROWS = [
    {"text": f"text {n}", "label": label} for n, label in enumerate(["a", None, "c", "b", "", "a"])
]
WORD_ROWS = [
    {"tokens": ["u", "v", "w"], "tags": ["B-X", "I-X", "O"]},
    {"tokens": ["u"], "tags": None},
    {"tokens": ["u", "v"], "tags": ["O", None]},
    {"tokens": [], "tags": []},
    {"tokens": ["u", "v", "w", "x"], "tags": ["O", "B-X", "B-X", "O"]},
    {"tokens": ["u", "v"], "tags": ["I-X", "B-X"]},
]
SCORES = [0.9, None, 0.2, 0.5, 0.5, 0.1]
PAIR_ROWS = [
    {"text": f"q{n}", "text_pair": None if n == 3 else f"a{n}", "score": score}
    for n, score in enumerate(SCORES)
]
CASES = {
    "sequence": (sequence, SEQUENCE_ROWS),
    "sequence-hidden": (lambda: sequence(hidden=5, label_smoothing=0.1), SEQUENCE_ROWS),
    "sequence-weighted": (lambda: sequence(class_weights={"a": 2.5, "b": 0.0}), SEQUENCE_ROWS),
    "tokens-first": (tokens, WORD_ROWS),
    "tokens-last": (lambda: tokens(subword="last"), WORD_ROWS),
    "tokens-mean": (lambda: tokens(subword="mean"), WORD_ROWS),
    "ranking": (lambda: embedding(dim=4), PAIR_ROWS),
    "ranking-symmetric": (
        lambda: embedding(objective=ranking(symmetric=True), normalize=False, dim=4),
        PAIR_ROWS,
    ),
    "cosent": (lambda: embedding(objective="cosent", dim=4), PAIR_ROWS),
    "cosine-similarity": (lambda: embedding(objective="cosine-similarity", dim=4), PAIR_ROWS),
    **TEXT_CASES,
}


def build(name, dtype=torch.float32):
    """The head in eval mode, and its rows."""
    torch.manual_seed(0)
    make, rows = CASES[name]
    return make().eval().to(dtype), rows


def features_of(head, rows, dtype=torch.float32, extra=0):
    """Features for each view: two tokens to a word, `extra` columns of padding."""
    return [_view(head, rows, dtype, extra, number) for number in range(len(head.views))]


def _view(head, rows, dtype, extra, number):
    lengths = [2 + 2 * len(row.get("tokens") or "ab") for row in rows]
    shape = (len(rows), max(lengths) + extra)
    mask, words = torch.zeros(shape, dtype=torch.bool), torch.full(shape, -1)
    # What masked places hold may never matter.
    states = torch.full((*shape, HIDDEN), float("nan"), dtype=dtype)
    pooled = torch.empty(len(rows), HIDDEN, dtype=dtype)
    for place, (row, length) in enumerate(zip(rows, lengths, strict=True)):
        generator = torch.Generator().manual_seed(crc32(repr((row, number)).encode()))
        states[place, :length] = torch.randn(length, HIDDEN, generator=generator, dtype=torch.float64).to(
            dtype
        )
        mask[place, :length] = True
        words[place, 1 : length - 1] = torch.arange((length - 2) // 2).repeat_interleave(2)
        pooled[place] = states[place, :length].mean(0)
    if head.needs == "pooled":
        return Features(states * float("nan"), mask, words, pooled)
    layers = {depth: states * (1 + depth) for depth in getattr(head, "layers", ())}
    return Features(states, mask, words, layers=layers)
