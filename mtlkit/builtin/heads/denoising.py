"""The head `sentence-embedding` with the objective `denoising`: a vector from which a text is written again.

Shapes: B rows, T tokens of the longest row, D size of the vectors, V ids of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.embedding_metrics import embedding_measures
from mtlkit.builtin.heads.embedding_options import SentenceEmbedding
from mtlkit.builtin.heads.embedding_rows import RowReader
from mtlkit.builtin.heads.objectives.denoising import (
    IGNORED,
    DenoisingTargets,
    denoising_loss,
    whole_texts,
    without_some,
)
from mtlkit.builtin.heads.objectives.options import DenoisingObjective
from mtlkit.builtin.heads.sentence_decoder import SentenceDecoder
from mtlkit.builtin.heads.text_reader import TextReader
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.errors import Problem, RecipeError

WHERE = "tasks.{}.head.objective"


class DenoisingHead(nn.Module):
    """An encoder's head and a decoder that only training needs.

    Raises:
        RecipeError: when the backbone reads no text, or a layer is none of its.
    """

    measured_whole = True

    def __init__(
        self, options: SentenceEmbedding, objective: DenoisingObjective, context: HeadContext
    ) -> None:
        super().__init__()
        if context.vocabulary is None:
            message = "denoising needs a backbone that reads text and says what its vocabulary is"
            raise RecipeError(Problem(message, "take another objective", WHERE.format(context.task)))
        self.options, self.objective, self.special = options, objective, context.vocabulary.special
        self.views = ((options.first,),)
        self.reader = TextReader(options.pooling, options.layers, context)
        self.needs, self.pooling, self.layers = self.reader.needs, self.reader.pooling, self.reader.depths
        size = options.dim or self.reader.size
        self.projection = nn.Linear(self.reader.size, size) if options.dim else None
        self.decoder = SentenceDecoder(size, context.vocabulary, objective.blocks)
        self.rows = RowReader(options, context.task)
        self.task = context.task

    def corrupt(self, items: Sequence[Any], rng: np.random.Generator) -> tuple[list[Any], DenoisingTargets]:
        """The rows without some of their tokens, and the whole ones.

        Raises:
            RecipeError: when the backbone's rows have no ids.
        """
        if not all(hasattr(item, "ids") for item in items):
            message = "denoising needs a backbone whose prepared rows have `ids`"
            raise RecipeError(Problem(message, "take another objective", WHERE.format(self.task)))
        wanted = whole_texts(items, self.special)
        return without_some(items, self.objective.deleted, self.special, rng), wanted

    def targets(self, rows: Sequence[Record]) -> DenoisingTargets:
        """Nothing: what is to be written comes from `corrupt`."""
        return DenoisingTargets(torch.full((len(rows), 1), IGNORED))

    def count(self, targets: DenoisingTargets) -> float:
        """The tokens that are written."""
        return float((targets.wanted != IGNORED).sum())

    def forward(self, features: Sequence[Features], targets: DenoisingTargets | None = None) -> Tensor:
        """Scores [B, T - 1, V] of what is to be written; without that, the vectors [B, 1, D]."""
        vectors = self.reader(features[0])
        vectors = vectors if self.projection is None else self.projection(vectors)
        vectors = F.normalize(vectors, dim=-1) if self.options.normalize else vectors
        if targets is None:
            return vectors.unsqueeze(1)
        scores: Tensor = self.decoder(vectors, targets.ids[:, :-1])
        return scores

    def loss(self, output: Tensor, targets: DenoisingTargets) -> LossTerm:
        """Cross-entropy of every token after the first, summed."""
        wide = output.to(torch.promote_types(output.dtype, torch.float32))
        return LossTerm(denoising_loss(wide, targets.wanted), self.count(targets))

    def decode(self, output: Tensor) -> list[np.ndarray]:
        """The vector [1, D] of each row."""
        return list(output.detach().float().cpu().numpy())

    def metrics(self, predictions: Sequence[np.ndarray], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """The anisotropy of the vectors of the rows that have a text."""
        targets = self.rows.targets(rows)
        known = targets.known.nonzero().flatten().tolist()
        if not known:
            return ()
        vectors = torch.from_numpy(np.asarray([predictions[place] for place in known], np.float64))
        return embedding_measures(self.options, vectors, targets.only_known(), ())
