"""The heads for words, spans, trees, answers and hidden tokens, each with rows and features it can read."""

from random import Random

import attrs
import numpy as np
import torch

from mtlkit.builtin.backbones.options import Tiny
from mtlkit.builtin.backbones.tiny import TinyBackbone
from mtlkit.builtin.token_head_cards import TOKEN_HEADS
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.card import load_address
from mtlkit.contracts.head import HeadContext

HIDDEN = 8
CARDS = {card.name: card for card in TOKEN_HEADS}


def tiny(**options):
    torch.manual_seed(0)
    return TinyBackbone(Tiny(**{"hidden_size": HIDDEN, "vocabulary": 64, **options})).eval()


BACKBONE = tiny()


def head(name, labels=(), **options):
    """The head in eval mode, its weights always the same."""
    card = CARDS[name]
    chosen = load_address(card.options)(**options)
    torch.manual_seed(0)
    context = HeadContext("t", HIDDEN, tuple(labels), 2, BACKBONE.vocabulary())
    return load_address(card.build)(chosen, context).eval()


def examples(name, count=6, seed=0, **options):
    return load_address(CARDS[name].options)(**options).examples(count, Random(seed))


def features(module, rows, extra=0, backbone=BACKBONE):
    """Features of the rows, NaN at masked places, with `extra` columns of padding."""
    items = backbone.prepare([tuple(row[column] for column in module.views[0]) for row in rows])
    return of_items(items, extra, backbone)


def of_items(items, extra=0, backbone=BACKBONE):
    batch = backbone.collate(items)
    with torch.no_grad(), backbone.keep((0, 1, 2)) as kept:
        found = backbone(batch)
    pad = torch.nn.functional.pad
    layers = {depth: pad(states, (0, 0, 0, extra), value=float("nan")) for depth, states in kept.items()}
    return [
        attrs.evolve(
            found,
            tokens=pad(
                found.tokens.masked_fill(~batch.mask.unsqueeze(-1), float("nan")),
                (0, 0, 0, extra),
                value=float("nan"),
            ),
            mask=pad(batch.mask, (0, extra)),
            words=pad(batch.words, (0, extra), value=-1),
            ids=pad(batch.ids, (0, extra)),
            texts=pad(batch.texts, (0, extra), value=-1),
            spans=pad(batch.spans, (0, 0, 0, extra)),
            layers={
                depth: states.masked_fill(~pad(batch.mask, (0, extra)).unsqueeze(-1), float("nan"))
                for depth, states in layers.items()
            },
        )
    ]


def vectors(words, masked=0):
    """Features of one row of given word vectors [W, H], one token each, with `masked` columns of padding."""
    length = len(words)
    states = torch.full((1, length + masked, words.shape[1]), float("nan"), dtype=words.dtype)
    states[0, :length] = words
    mask = torch.zeros(1, length + masked, dtype=torch.bool)
    mask[0, :length] = True
    numbers = torch.where(mask, torch.arange(length + masked), -1)
    return [Features(states, mask, numbers)]


def asked(module, rows, extra=0, seed=0):
    """Scores and targets of rows, as the engine asks for them."""
    if hasattr(module, "corrupt"):
        items = BACKBONE.locate([(row["text"],) for row in rows])
        changed, targets = module.corrupt(items, np.random.default_rng(seed))
        return module(of_items(changed, extra), targets), targets
    beside = (module.inputs(rows),) if hasattr(module, "inputs") else ()
    return module(features(module, rows, extra), *beside), module.targets(rows)
