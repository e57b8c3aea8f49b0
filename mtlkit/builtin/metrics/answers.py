"""Exact match and F1 of answers, as the SQuAD evaluation counts them.

An answer is compared in lower case, without punctuation and the articles a, an and the, with single
spaces; of several right answers the best one counts. No answer is the empty text, and right only for rows
whose right answers are none (Rajpurkar et al. 2018). Shapes: N rows of an evaluation set.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

from mtlkit.builtin.metrics.measured import column, mean, measured
from mtlkit.contracts.head import Measure

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def exact_match(predicted: Sequence[str], gold: Sequence[Sequence[str]]) -> Measure:
    """The share of rows whose answer is one of the right ones; records [N, 1] are 1 where it is."""
    return measured("exact-match", column(_best(_same, predicted, gold)), mean)


def answer_f1(predicted: Sequence[str], gold: Sequence[Sequence[str]]) -> Measure:
    """The mean F1 of the words that an answer shares with a right one; records [N, 1] are a row's F1."""
    return measured("answer-f1", column(_best(_overlap, predicted, gold)), mean)


def normalized(answer: str) -> str:
    """The text that is compared."""
    return " ".join(_ARTICLES.sub(" ", answer.lower().translate(_PUNCTUATION)).split())


def _best(
    compare: Callable[[str, str], float], predicted: Sequence[str], gold: Sequence[Sequence[str]]
) -> list[float]:
    """The best comparison of each row; right answers of nothing but articles and marks are left out."""
    best = []
    for mine, theirs in zip(predicted, gold, strict=True):
        right = [text for text in map(normalized, theirs) if text] or [""]
        best.append(max(compare(normalized(mine), text) for text in right))
    return best


def _same(mine: str, right: str) -> float:
    return float(mine == right)


def _overlap(mine: str, right: str) -> float:
    if not mine or not right:
        return _same(mine, right)
    first, second = Counter(mine.split()), Counter(right.split())
    shared = (first & second).total()
    return 2 * shared / (first.total() + second.total())
