"""The names of the metrics that heads may measure, by what they predict; light, for options classes.

An options class offers them so, the primary one first, and `metrics` of `HeadOptions` returns them:

    _metrics: tuple[ClassMetric, ...] = option(METRICS, ("accuracy", "macro-f1"))
"""

import re
from collections.abc import Iterable
from typing import Literal

METRICS = "the metrics that are measured, the primary one first"

ClassMetric = Literal["accuracy", "macro-f1", "micro-f1", "weighted-f1", "mcc", "auroc", "ap", "macro-ap"]
"""Of one class for each row."""
OrderedMetric = Literal["accuracy", "macro-f1", "mae", "rmse", "quadratic-kappa", "spearman", "pearson"]
"""Of one class for each row, where classes have an order; distances are counted in classes."""
LabelMetric = Literal[
    "micro-f1", "macro-f1", "weighted-f1", "subset-accuracy", "label-accuracy", "auroc", "macro-ap"
]
"""Of any number of labels for each row."""
NumberMetric = Literal["spearman", "pearson", "mae", "rmse"]
"""Of one number for each row."""
TagMetric = Literal["entity-f1", "entity-f1-strict", "token-accuracy"]
"""Of one tag for each word."""
SpanMetric = Literal["span-f1", "span-precision", "span-recall"]
"""Of a set of spans, or of anything else that is right or wrong as a whole, for each row."""
AnswerMetric = Literal["exact-match", "answer-f1"]
"""Of one text for each row, that answers a question."""
RankMetric = Literal[
    "accuracy@1", "accuracy@3", "accuracy@5", "accuracy@10", "mrr", "ndcg@3", "ndcg@5", "ndcg@10"
]
"""Of the place of the right answer among all."""
TokenMetric = Literal["perplexity", "token-accuracy"]
"""Of the tokens of a language model."""
PlaceMetric = Literal["micro-f1", "macro-f1", "weighted-f1"]
"""Of labels at several places of each row, such as words or the spans that it names."""
TreeMetric = Literal["uas", "las"]
"""Of the head and relation of each word of a sentence."""

LOWER_IS_BETTER = frozenset({"mae", "rmse", "perplexity", "kl-divergence", "js-divergence", "anisotropy"})
_CUT_TO = re.compile(r"-[0-9]+d$")


def lower_of(metrics: Iterable[str]) -> tuple[str, ...]:
    """Those of which lower is better, also of vectors cut to so many dimensions (`rmse-64d`)."""
    return tuple(name for name in metrics if _CUT_TO.sub("", name) in LOWER_IS_BETTER)
