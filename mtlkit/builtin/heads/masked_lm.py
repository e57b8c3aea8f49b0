"""The head `masked-lm`: tokens of a text are hidden and found again (Devlin et al. 2019, section 3.1).

Shapes: B rows, T tokens, M hidden tokens of the row that has most, V ids of the vocabulary, E size of their
embeddings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.label_set import IGNORED
from mtlkit.builtin.heads.language_options import MaskedLm
from mtlkit.builtin.heads.layer_reader import LayerReader
from mtlkit.builtin.heads.masking import Masking
from mtlkit.builtin.heads.tower import ACTIVATIONS
from mtlkit.builtin.heads.words import NO_SCORE, table_of
from mtlkit.builtin.metrics.accuracy import token_accuracy
from mtlkit.builtin.metrics.perplexity import perplexity
from mtlkit.contracts.backbone import Features, Pooling, Vocabulary
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.errors import PluginError, Problem, RecipeError

Prediction = Mapping[str, Any]
"""Of one row: `ids`, the best guesses; `gold`, what was hidden, and `loss`, the sum in nats, where known."""


class MaskedLmHead(nn.Module):
    """A guesser of hidden tokens.

    A dense layer, an activation and a layer norm, then the backbone's own embeddings as the last layer
    (Press & Wolf 2017), with a bias for each id. In prediction the mask tokens of a text are filled.

    Raises:
        RecipeError: when the backbone reads no text, has no mask token, or a layer is none of its.
    """

    needs: Literal["tokens"] = "tokens"
    pooling: Pooling = "mean"

    def __init__(self, options: MaskedLm, context: HeadContext) -> None:
        super().__init__()
        self.options = options
        self.views: tuple[tuple[str, ...], ...] = ((options.text,),)
        self.located = options.whole_word
        self.reader = LayerReader(options.layers, context)
        self.layers = self.reader.depths
        self.vocabulary = _vocabulary(context)
        self.mask = _mask(self.vocabulary, context)
        self.masking = Masking.of(self.vocabulary, self.mask, options.share, options.whole_word)
        self.table = self.vocabulary.table
        self.dense = nn.Linear(self.reader.size, self.table.shape[1])
        self.activate = ACTIVATIONS[options.activation]
        self.norm = nn.LayerNorm(self.table.shape[1])
        self.bias = nn.Parameter(torch.zeros(len(self.table)))

    def corrupt(self, items: Sequence[Any], rng: np.random.Generator) -> tuple[list[Any], Tensor]:
        """The rows with some tokens hidden, and what these were [B, T], -100 for all others.

        Raises:
            PluginError: when whole words are asked for and the backbone does not say what they are.
        """
        changed, targets = [], []
        for item in items:
            ids, chosen = self.masking.hidden(item, rng)
            changed.append(attrs.evolve(item, ids=ids.astype(item.ids.dtype)))
            targets.append(np.where(chosen, item.ids, IGNORED).tolist())
        return changed, table_of(targets)

    def targets(self, rows: Sequence[Record]) -> Tensor:
        """Nothing [B, 0]: rows have no labels, and what is to be found comes from `corrupt`."""
        return table_of([[] for _ in rows])

    def count(self, targets: Tensor) -> float:
        """The hidden tokens."""
        return float((targets != IGNORED).sum())

    def forward(self, features: Sequence[Features], targets: Tensor | None = None) -> Tensor:
        """Scores [B, M, V] of the hidden tokens, or without targets of the mask tokens; -inf for none.

        In eval mode [B, M, V+1]: what was hidden is the last column, -1 where it is not known.

        Raises:
            PluginError: when there are no targets, and the backbone does not say the ids of its tokens.
        """
        view = features[0]
        places, there = _slots(self._hidden(view, targets))
        states = self.reader(view)
        states = states.gather(1, places.unsqueeze(-1).expand(-1, -1, states.shape[-1]))
        vectors = self.norm(self.activate(self.dense(states)))
        scores = F.linear(vectors, self.table, self.bias)
        scores = scores.masked_fill(~there.unsqueeze(-1), NO_SCORE)
        if self.training:
            return scores
        gold = torch.full_like(places, -1) if targets is None else targets.gather(1, places)
        gold = torch.where(there, gold, -1).unsqueeze(-1)
        wide = torch.promote_types(scores.dtype, torch.float32)
        return torch.cat([scores.to(wide), gold.to(wide)], -1)

    def loss(self, output: Tensor, targets: Tensor) -> LossTerm:
        """Cross-entropy summed over the hidden tokens."""
        places, there = _slots(targets != IGNORED)
        wanted = targets.gather(1, places)[there]
        scores = output[..., : len(self.table)][there]
        wide = torch.promote_types(output.dtype, torch.float32)
        return LossTerm(F.cross_entropy(scores.to(wide), wanted, reduction="sum"), self.count(targets))

    def decode(self, output: Tensor) -> list[Prediction]:
        """The best guess for each hidden token, and what is known of it."""
        size = len(self.table)
        scores, gold = output[..., :size], output[..., size:].long().flatten(1)
        there = scores[..., 0] != NO_SCORE
        gold = gold if gold.shape[1] else torch.full(there.shape, -1, device=gold.device)
        known = there & (gold >= 0)
        chances = torch.where(there.unsqueeze(-1), scores, 0.0).log_softmax(-1)
        losses = -chances.gather(-1, gold.clamp(min=0).unsqueeze(-1)).squeeze(-1)
        sums = torch.where(known, losses, 0.0).sum(1).tolist()
        best = scores.argmax(-1)
        return [
            {"ids": best[row][there[row]].tolist(), "gold": gold[row][known[row]].tolist(), "loss": loss}
            for row, loss in enumerate(sums)
        ]

    def present(self, predictions: Sequence[Prediction], rows: Sequence[Record]) -> list[dict[str, Any]]:
        """`tokens`: what the mask tokens of each text stand for, in their order."""
        spell = self.vocabulary.names
        return [
            {"tokens": list(map(str, found["ids"])) if spell is None else spell(found["ids"])}
            for found in predictions
        ]

    def metrics(self, predictions: Sequence[Prediction], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """Perplexity of the hidden tokens, and the share of them guessed right, over rows that have any."""
        known = [found for found in predictions if found["gold"]]
        if not known:
            return ()
        losses = np.asarray([found["loss"] for found in known])
        tokens = np.asarray([len(found["gold"]) for found in known])
        guesses, gold = ([list(map(str, found[side])) for found in known] for side in ("ids", "gold"))
        measures = {
            "perplexity": perplexity(losses, tokens),
            "token-accuracy": token_accuracy(guesses, gold),
        }
        return tuple(measures[name] for name in self.options.metrics())

    def _hidden(self, view: Features, targets: Tensor | None) -> Tensor:
        if targets is not None:
            return targets != IGNORED
        if view.ids is None:
            message = "masked-lm fills mask tokens, and the backbone does not say the ids of its tokens"
            raise PluginError(message, "give its batches the attribute `ids`")
        return (view.ids == self.mask) & view.mask


def _slots(hidden: Tensor) -> tuple[Tensor, Tensor]:
    """The places [B, M] of the True ones of [B, T] in their order, and which [B, M] there are."""
    counts = hidden.sum(1)
    most = int(counts.max()) if counts.numel() else 0
    places = hidden.int().argsort(dim=1, descending=True, stable=True)[:, :most]
    return places, torch.arange(most, device=hidden.device) < counts.unsqueeze(1)


def _vocabulary(context: HeadContext) -> Vocabulary:
    if context.vocabulary is None:
        path = f"tasks.{context.task}.head.use"
        raise RecipeError(Problem("the backbone reads no text, so there are no tokens to hide", "", path))
    return context.vocabulary


def _mask(vocabulary: Vocabulary, context: HeadContext) -> int:
    if vocabulary.mask is None:
        message = "the vocabulary of the backbone has no mask token"
        advice = "use a model that was trained with one, such as BERT"
        raise RecipeError(Problem(message, advice, f"tasks.{context.task}.head.use"))
    return vocabulary.mask
