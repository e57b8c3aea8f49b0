"""From the names that a head's option `metrics` lists to measures, by what the head predicts.

Each function takes the names first, the primary one in front, and gives the measures in that order.
Shapes: N labelled rows of an evaluation set, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mtlkit.builtin.metrics.accuracy import accuracy, token_accuracy
from mtlkit.builtin.metrics.answers import answer_f1, exact_match
from mtlkit.builtin.metrics.attachment import labelled_attachment, unlabelled_attachment
from mtlkit.builtin.metrics.auroc import auroc
from mtlkit.builtin.metrics.average_precision import average_precision, macro_average_precision
from mtlkit.builtin.metrics.classes import class_scores
from mtlkit.builtin.metrics.correlation import pearson, spearman
from mtlkit.builtin.metrics.distance import mean_absolute_error, root_mean_squared_error
from mtlkit.builtin.metrics.entity_f1 import entity_f1, entity_f1_strict
from mtlkit.builtin.metrics.f1 import macro_f1, micro_f1, weighted_f1
from mtlkit.builtin.metrics.kappa import quadratic_kappa
from mtlkit.builtin.metrics.mcc import mcc
from mtlkit.builtin.metrics.multi_label import (
    label_accuracy,
    label_macro_f1,
    label_micro_f1,
    label_weighted_f1,
    subset_accuracy,
)
from mtlkit.builtin.metrics.names import (
    AnswerMetric,
    ClassMetric,
    LabelMetric,
    NumberMetric,
    OrderedMetric,
    RankMetric,
    SpanMetric,
    TagMetric,
)
from mtlkit.builtin.metrics.retrieval import accuracy_at, mean_reciprocal_rank, ndcg_at
from mtlkit.builtin.metrics.spans import Sets, span_f1, span_precision, span_recall
from mtlkit.contracts.head import Measure

OF_CLASSES: Mapping[str, Callable[..., Measure]] = {
    "accuracy": lambda predicted, gold, _: accuracy(predicted, gold),
    "macro-f1": macro_f1,
    "micro-f1": micro_f1,
    "weighted-f1": weighted_f1,
    "mcc": mcc,
    "auroc": lambda predicted, gold, names: auroc(class_scores(predicted, names), _one_hot(gold, names)),
    "ap": lambda predicted, gold, names: _average_precision(predicted, gold, names),
    "macro-ap": lambda predicted, gold, names: macro_average_precision(
        class_scores(predicted, names), _one_hot(gold, names)
    ),
}
OF_NUMBERS: Mapping[str, Callable[..., Measure]] = {
    "spearman": spearman,
    "pearson": pearson,
    "mae": mean_absolute_error,
    "rmse": root_mean_squared_error,
}
OF_TAGS: Mapping[str, Callable[..., Measure]] = {
    "entity-f1": lambda predicted, gold, _: entity_f1(predicted, gold),
    "entity-f1-strict": entity_f1_strict,
    "token-accuracy": lambda predicted, gold, _: token_accuracy(predicted, gold),
}
OF_SETS: Mapping[str, Callable[..., Measure]] = {
    "span-f1": span_f1,
    "span-precision": span_precision,
    "span-recall": span_recall,
}
OF_ANSWERS: Mapping[str, Callable[..., Measure]] = {
    "exact-match": exact_match,
    "answer-f1": answer_f1,
}
OF_TREES: Mapping[str, Callable[..., Measure]] = {
    "uas": unlabelled_attachment,
    "las": labelled_attachment,
}
OF_LABELS: Mapping[str, Callable[..., Measure]] = {
    "micro-f1": label_micro_f1,
    "macro-f1": label_macro_f1,
    "weighted-f1": label_weighted_f1,
    "subset-accuracy": subset_accuracy,
    "label-accuracy": label_accuracy,
}
OF_SCORES: Mapping[str, Callable[..., Measure]] = {
    "auroc": auroc,
    "macro-ap": macro_average_precision,
}


def of_classes(
    chosen: Sequence[ClassMetric], predicted: Sequence[str], gold: Sequence[str], names: Sequence[str]
) -> tuple[Measure, ...]:
    """Of one class for each row; `names` are the head's classes.

    `auroc`, `ap` and `macro-ap` read the scores that predictions carry (`ScoredLabel`). Of two classes, `ap`
    is that of the second one; of more, it is their mean.
    """
    return tuple(OF_CLASSES[name](predicted, gold, names) for name in chosen)


def of_ordered(
    chosen: Sequence[OrderedMetric], predicted: Sequence[str], gold: Sequence[str], names: Sequence[str]
) -> tuple[Measure, ...]:
    """Of one class for each row, `names` being in order; class numbers have distances and correlations."""
    numbers = [np.asarray([names.index(label) for label in side], np.float64) for side in (predicted, gold)]
    made = []
    for name in chosen:
        if name in OF_CLASSES:
            made.append(OF_CLASSES[name](predicted, gold, names))
        elif name == "quadratic-kappa":
            made.append(quadratic_kappa(*numbers))
        else:
            made.append(OF_NUMBERS[name](*numbers))
    return tuple(made)


def of_labels(
    chosen: Sequence[LabelMetric], scores: np.ndarray, predicted: np.ndarray, gold: np.ndarray
) -> tuple[Measure, ...]:
    """Of any number of labels for each row: `scores` and `predicted` [N, C], `gold` [N, C], NaN missing."""
    return tuple(
        OF_SCORES[name](scores, gold) if name in OF_SCORES else OF_LABELS[name](predicted, gold)
        for name in chosen
    )


def of_numbers(
    chosen: Sequence[NumberMetric], predicted: np.ndarray, gold: np.ndarray
) -> tuple[Measure, ...]:
    """Of one number for each row, or of cosines and scores (`sts`): both [N]."""
    return tuple(OF_NUMBERS[name](predicted, gold) for name in chosen)


def of_tags(
    chosen: Sequence[TagMetric],
    predicted: Sequence[Sequence[str]],
    gold: Sequence[Sequence[str | None]],
    names: Sequence[str],
) -> tuple[Measure, ...]:
    """Of one tag for each word, None where it is missing; `names` are the head's tags."""
    return tuple(OF_TAGS[name](predicted, gold, names) for name in chosen)


def of_sets(chosen: Sequence[SpanMetric], predicted: Sets, gold: Sets) -> tuple[Measure, ...]:
    """Of a set for each row, such as spans (first word, last word, type)."""
    return tuple(OF_SETS[name](predicted, gold) for name in chosen)


def of_answers(
    chosen: Sequence[AnswerMetric], predicted: Sequence[str], gold: Sequence[Sequence[str]]
) -> tuple[Measure, ...]:
    """Of an answer for each row, "" for none, and its right answers."""
    return tuple(OF_ANSWERS[name](predicted, gold) for name in chosen)


def of_ranks(chosen: Sequence[RankMetric], found: np.ndarray) -> tuple[Measure, ...]:
    """Of the ranks [N] of right answers, see `retrieval.ranks`."""
    return tuple(_of_rank(name, found) for name in chosen)


def _of_rank(name: RankMetric, found: np.ndarray) -> Measure:
    kind, _, places = name.partition("@")
    if kind == "mrr":
        return mean_reciprocal_rank(found)
    return (accuracy_at if kind == "accuracy" else ndcg_at)(found, int(places))


def _one_hot(gold: Sequence[str], names: Sequence[str]) -> np.ndarray:
    return np.asarray([[label == name for name in names] for label in gold], np.float64).reshape(
        -1, len(names)
    )


def _average_precision(predicted: Sequence[str], gold: Sequence[str], names: Sequence[str]) -> Measure:
    scores, right = class_scores(predicted, names), _one_hot(gold, names)
    if len(names) == 2:
        return average_precision(scores[:, 1], right[:, 1])
    made = macro_average_precision(scores, right)
    return Measure("ap", made.records, made.compute)
