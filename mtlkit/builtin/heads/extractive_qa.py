"""The head `extractive-qa`: which part of a text answers a question (Devlin et al. 2019, sections 4.2, 4.3).

Shapes: B rows, T tokens of question and text together. Place 0 of the scores stands for "no answer", place
t+1 for token t.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import torch
from attrs import frozen
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  the name torch's own documentation uses

from mtlkit.builtin.heads.answer_choice import best_answer
from mtlkit.builtin.heads.answer_options import ExtractiveQa
from mtlkit.builtin.heads.answers import answers_of
from mtlkit.builtin.heads.layer_reader import LayerReader
from mtlkit.builtin.heads.tower import Tower
from mtlkit.builtin.heads.words import NO_SCORE
from mtlkit.builtin.metrics.choice import of_answers
from mtlkit.contracts.backbone import Features, Pooling
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import HeadContext, LossTerm, Measure
from mtlkit.errors import DataError, PluginError

CONTEXT = 1
"""The number of the text, after the question, among the texts of the view."""
Prediction = Mapping[str, Any]
"""`begin` and `end` in characters of the text, None where it has no answer, and `score`, a probability."""


@frozen(eq=False)
class Answers:
    """`spans` [B, 2]: characters where the answers begin and end, -1 where there is none; `known` [B]."""

    spans: Tensor
    known: Tensor

    def to(self, device: torch.device | str) -> Self:
        """The same on another device."""
        return type(self)(self.spans.to(device), self.known.to(device))


class ExtractiveQaHead(nn.Module):
    """A finder of answers.

    The first and the last token of the answer each have a softmax over "no answer", scored from the first
    token of the row, and all tokens of the text. A text that was read in several windows has one softmax
    over all of them (Clark & Gardner 2018, section 3.2), and a token that is in several of them counts as
    right in each.

    Raises:
        RecipeError: when a layer is none of the backbone's.
    """

    needs: Literal["tokens"] = "tokens"
    pooling: Pooling = "mean"
    located = True

    def __init__(self, options: ExtractiveQa, context: HeadContext) -> None:
        super().__init__()
        self.options = options
        self.views: tuple[tuple[str, ...], ...] = ((options.question, options.context),)
        self.reader = LayerReader(options.layers, context)
        self.layers = self.reader.depths
        self.tower = Tower(options, self.reader.size, 2)

    def targets(self, rows: Sequence[Record]) -> Answers:
        """Where the first right answer of each row is; a row without the column's cell is not known.

        Raises:
            DataError: when answers are not where they say, or there is none though `unanswerable` is false.
        """
        spans, known = [], []
        for row in rows:
            answers = answers_of(row, self.options)
            if answers == () and not self.options.unanswerable:
                asked = str(row.get(self.options.question))[:60]
                message = f"the question {asked!r} has no answer"
                raise DataError(message, "say `unanswerable = true`, or leave out such rows")
            places = [answer for answer in answers or () if answer.start >= 0]
            spans.append(places[0].span if places else (-1, -1))
            known.append(answers is not None and (bool(places) or not answers))
        return Answers(
            torch.tensor(spans, dtype=torch.long).reshape(-1, 2), torch.tensor(known, dtype=torch.bool)
        )

    def count(self, targets: Answers) -> float:
        """The rows whose answer is known, those of which it was cut off too: they add no loss."""
        return float(targets.known.sum())

    def forward(self, features: Sequence[Features]) -> Tensor:
        """Scores as first and as last token, begins and ends in characters: [B, 1+T, 4] in float32 or wider.

        Scores are -inf for tokens outside of the text, and for "no answer" unless `unanswerable`.

        Raises:
            PluginError: when the backbone does not say where tokens are in the text.
        """
        view = features[0]
        if view.texts is None or view.spans is None:
            message = "extractive-qa has to know where tokens are in the text, and the backbone does not say"
            raise PluginError(message, "use a backbone that has `locate`, such as transformer")
        logits: Tensor = self.tower(self.reader(view))
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        none = F.pad(logits, (0, 0, 0, 1))[:, :1]
        if not self.options.unanswerable:
            none = none.masked_fill(torch.ones_like(none, dtype=torch.bool), NO_SCORE)
        inside = (view.texts == CONTEXT) & view.mask & (view.spans[..., 0] < view.spans[..., 1])
        logits = logits.masked_fill(~inside.unsqueeze(-1), NO_SCORE)
        spans = F.pad(view.spans.to(logits.dtype), (0, 0, 1, 0), value=-1.0)
        return torch.cat([torch.cat([none, logits], 1), spans], -1)

    def loss(self, output: Tensor, targets: Answers) -> LossTerm:
        """−½ (log p(first) + log p(last)), summed over the rows whose answer is known and was seen."""
        scores, spans = output[..., :2], output[..., 2:].detach()
        wide = torch.promote_types(output.dtype, torch.float32)
        wanted = _wanted(spans, targets.spans.to(spans.dtype)) & (scores != NO_SCORE)
        chosen = targets.known & wanted.any(1).all(-1)
        scores, wanted = scores[chosen].to(wide), wanted[chosen]
        right = scores.masked_fill(~wanted, NO_SCORE).logsumexp(1)
        return LossTerm((scores.logsumexp(1) - right).sum() / 2, self.count(targets))

    def decode(self, output: Tensor) -> list[Prediction]:
        """The best answer of each row, or none where that scores more by `null_threshold`."""
        wide = output.detach().double()
        scores = wide[..., :2]
        norms = scores.logsumexp(1).sum(-1).tolist()
        none = scores[:, 0].sum(-1).tolist()
        rows = wide.cpu().numpy()
        return [self._answer(row[1:], *each) for row, *each in zip(rows, none, norms, strict=True)]

    def present(self, predictions: Sequence[Prediction], rows: Sequence[Record]) -> list[dict[str, Any]]:
        """The predictions with the words of each answer, empty where there is none."""
        texts = self._texts(predictions, rows)
        return [{"answer": text, **found} for text, found in zip(texts, predictions, strict=True)]

    def metrics(self, predictions: Sequence[Prediction], rows: Sequence[Record]) -> tuple[Measure, ...]:
        """The metrics chosen, over the rows whose answers are known."""
        gold = [answers_of(row, self.options) for row in rows]
        texts = self._texts(predictions, rows)
        pairs = [(text, answers) for text, answers in zip(texts, gold, strict=True) if answers is not None]
        if not pairs:
            return ()
        found = [text for text, _ in pairs]
        right = [[answer.text for answer in answers] for _, answers in pairs]
        return of_answers(self.options.metrics(), found, right)

    def _answer(self, tokens: Any, none: float, norm: float) -> Prediction:  # noqa: ANN401  an array [T, 4]
        inside = tokens[tokens[:, 0] != NO_SCORE]
        best = best_answer(inside[:, 0], inside[:, 1], inside[:, 2:], self.options.max_answer)
        if best is None or none - best[2] > self.options.null_threshold:
            probability = 1.0 if best is None else _share(none, norm)
            return {"begin": None, "end": None, "score": probability}
        return {"begin": best[0], "end": best[1], "score": _share(best[2], norm)}

    def _texts(self, predictions: Sequence[Prediction], rows: Sequence[Record]) -> list[str]:
        return [
            ""
            if found["begin"] is None
            else str(row.get(self.options.context))[found["begin"] : found["end"]].strip()
            for found, row in zip(predictions, rows, strict=True)
        ]


def _wanted(spans: Tensor, answers: Tensor) -> Tensor:
    """The tokens [B, 1+T, 2] that are right as the first and as the last of an answer [B, 2].

    A token is right that has the answer's first (last) character in it. Of a row without answer place 0 is
    right for both.
    """
    begins, ends = spans.unbind(-1)
    start, end = answers[:, :1], answers[:, 1:]
    first = (begins <= start) & (ends > start)
    last = (begins < end) & (ends >= end)
    there = start >= 0
    null = F.one_hot(torch.zeros_like(start[:, 0], dtype=torch.long), spans.shape[1]).bool()
    return torch.stack([torch.where(there, side, null) for side in (first, last)], -1)


def _share(score: float, norm: float) -> float:
    return float(torch.tensor(score - norm).exp().clamp(max=1.0))
