"""The head `sentence-embedding`: vectors of texts, and a loss on them.

Shapes: B rows, V texts of a row, D size of the vectors, n lower layers of an adaptive-layer objective.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.denoising import DenoisingHead
from mtlkit.builtin.heads.embedding_metrics import embedding_measures
from mtlkit.builtin.heads.embedding_options import SentenceEmbedding
from mtlkit.builtin.heads.embedding_rows import RowReader
from mtlkit.builtin.heads.objectives.options import (
    AdaptiveLayerObjective,
    DenoisingObjective,
    MseObjective,
    SimcseObjective,
    cut_to,
    made,
)
from mtlkit.builtin.heads.objectives.targets import EmbeddingTargets
from mtlkit.builtin.heads.objectives.total import adaptive_loss, total_loss
from mtlkit.builtin.heads.text_reader import TextReader, pooled
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.errors import Problem, RecipeError


class SentenceEmbeddingHead(nn.Module):
    """A bi-encoder's head; without a projection or attention it has no weights.

    Raises:
        RecipeError: when a layer is none of the backbone's, or the objective asks for more dimensions than
            vectors have, or other ones.
    """

    def __init__(self, options: SentenceEmbedding, context: HeadContext) -> None:
        super().__init__()
        self.options, self.task = options, context.task
        self.objective = made(options.objective)
        self.reader = TextReader(options.pooling, options.layers, context)
        self.lower = self._lower_layers(context)
        self.needs, self.pooling = ("tokens" if self.lower else self.reader.needs), self.reader.pooling
        self.layers = tuple(sorted({*self.reader.depths, *self.lower}))
        texts = tuple((column,) for column in options.texts().values())
        self.views = texts * 2 if isinstance(options.inner, SimcseObjective) else texts
        self.batch_coupled, self.whole_step = options.inner.coupled, options.cached
        self.stops_gradient = bool(self.lower) and self._kl_weight > 0
        self.projection = nn.Linear(self.reader.size, options.dim) if options.dim else None
        self.rows = RowReader(options, context.task)
        self._check_sizes(options.dim or self.reader.size)

    def targets(self, rows: Sequence[Record]) -> EmbeddingTargets:
        """What the objective reads of rows.

        Raises:
            DataError: when a score or a vector is not what the objective reads.
        """
        return self.rows.targets(rows)

    def count(self, targets: EmbeddingTargets) -> float:
        """The rows that have all that the objective needs."""
        return float(targets.known.sum())

    def forward(self, features: Sequence[Features]) -> Tensor:
        """Vectors [B, V, D] of the texts, or [B, 1 + n, V, D] of the last layer and the lower ones."""
        vectors = torch.stack([self._vectors(self._read(view)) for view in features], 1)
        if not self.lower:
            return vectors
        below = [
            torch.stack([self._vectors(self._read_lower(view, depth)) for view in features], 1)
            for depth in self.lower
        ]
        return torch.stack([vectors, *below], 1)

    def loss(self, output: Tensor, targets: EmbeddingTargets) -> LossTerm:
        """The loss of the objective, summed over the rows that have all it needs."""
        count = self.count(targets)
        wide = torch.promote_types(output.dtype, torch.float32)
        # A cosine of half precision, times the scale, would be wrong in its first digit after the point.
        with torch.autocast(output.device.type, enabled=False):
            vectors = output[targets.known].to(wide)
            if not count:
                return LossTerm(vectors.sum(), count)
            known, normalize = targets.only_known().cast(wide), self.options.normalize
            if isinstance(self.objective, AdaptiveLayerObjective):
                vectors = vectors if self.lower else vectors.unsqueeze(1)
                total = adaptive_loss(self.objective, self.lower, vectors, known, normalize)
            else:
                total = total_loss(self.objective, vectors, known, normalize)
        return LossTerm(total, count)

    def decode(self, output: Tensor) -> list[np.ndarray]:
        """The vectors [V, D] of each row, those of the last layer."""
        last = output[:, 0] if self.lower else output
        return list(last.detach().float().cpu().numpy())

    def metrics(self, predictions: Sequence[np.ndarray], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """The metrics of the objective, over the rows that have all it needs."""
        targets = self.targets(rows)
        known = targets.known.nonzero().flatten().tolist()
        if not known:
            return ()
        vectors = torch.from_numpy(np.asarray([predictions[place] for place in known], np.float64))
        answers = [rows[place].get(self.options.second) for place in known]
        return embedding_measures(self.options, vectors, targets.only_known().cast(torch.float64), answers)

    def _read(self, features: Features) -> Tensor:
        if self.needs == self.reader.needs:
            vectors: Tensor = self.reader(features)
            return vectors
        return pooled(_clean(features.tokens, features), features.mask, self.pooling)

    def _read_lower(self, features: Features, depth: int) -> Tensor:
        states = _clean(features.layers[depth], features)
        if self.reader.attention is not None:
            vectors: Tensor = self.reader.attention(states, features.mask)
            return vectors
        return pooled(states, features.mask, self.pooling)

    def _vectors(self, read: Tensor) -> Tensor:
        vectors = read if self.projection is None else self.projection(read)
        return F.normalize(vectors, dim=-1) if self.options.normalize else vectors

    @property
    def _kl_weight(self) -> float:
        return self.objective.kl_weight if isinstance(self.objective, AdaptiveLayerObjective) else 0.0

    def _lower_layers(self, context: HeadContext) -> tuple[int, ...]:
        """The depths whose vectors an adaptive-layer objective reads."""
        if not isinstance(self.objective, AdaptiveLayerObjective):
            return ()
        wrong = [depth for depth in self.objective.layers if depth >= context.depth]
        if wrong:
            message = f"layer {wrong[0]} is not below the last one, which is {context.depth}"
            path = f"tasks.{context.task}.head.objective.layers"
            raise RecipeError(Problem(message, "0 is the embeddings, 1 the first block", path))
        return self.objective.layers or tuple(range(1, context.depth))

    def _check_sizes(self, size: int) -> None:
        at, advice = f"tasks.{self.task}.head", f"the vectors have {size} dimensions; dim sets another size"
        large = max(cut_to(self.objective), default=0)
        inner = self.options.inner
        if large > size:
            raise RecipeError(Problem(f"{large} dimensions can't be kept", advice, f"{at}.objective"))
        if isinstance(inner, MseObjective) and inner.size != size:
            message = f"the teacher's vectors have {inner.size} dimensions"
            raise RecipeError(Problem(message, advice, f"{at}.objective"))


def build(options: SentenceEmbedding, context: HeadContext) -> nn.Module:
    """The head for these options.

    Raises:
        RecipeError: as the head.
    """
    objective = made(options.objective)
    if isinstance(objective, DenoisingObjective):
        return DenoisingHead(options, objective, context)
    return SentenceEmbeddingHead(options, context)


def _clean(states: Tensor, features: Features) -> Tensor:
    """States [B, T, H], 0 at masked places, which may hold anything."""
    return states.masked_fill(~features.mask.unsqueeze(-1), 0.0)
