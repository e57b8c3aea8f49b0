"""Features of the texts that a head brings along, such as descriptions of its labels."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mtlkit.contracts.backbone import Features
from mtlkit.contracts.head import Head, own_texts
from mtlkit.engine.apply import eval_mode
from mtlkit.engine.features import Encoder, Need, pooled_only


def own_features(head: Head, encoder: Encoder, need: Need) -> list[Features]:
    """Those of `head.texts`, one row each; no `Features` where it has none.

    Vectors of a wholly frozen backbone are computed once, like those of rows.
    """
    texts = own_texts(head)
    if not texts:
        return []
    items = encoder.backbone.prepare(texts)
    if head.needs == "tokens" or encoder.boundary <= encoder.backbone.depth:
        return encoder.of_items(items, need)

    def compute(chunk: Sequence[int]) -> list[Tensor]:
        with torch.no_grad(), eval_mode(encoder.module):
            [features] = encoder.of_items([items[at] for at in chunk], need)
        return list(torch.unbind(pooled_of(features)))

    key, lengths = ("own texts", texts, head.pooling), [len(item) for item in items]
    vectors = encoder.store.rows(key, encoder.backbone.depth + 1, lengths, range(len(items)), compute)
    return [pooled_only(torch.stack(vectors).to(encoder.device))]


def pooled_of(features: Features) -> Tensor:
    """The vectors of features that were asked for as vectors."""
    if features.pooled is None:
        raise TypeError("features without vectors")
    return features.pooled
