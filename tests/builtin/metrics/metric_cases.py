"""Rows of every kind of output, drawn from a number, and the measures of them."""

from typing import get_args

import numpy as np

from mtlkit.builtin.metrics import choice, names
from mtlkit.builtin.metrics.perplexity import perplexity
from mtlkit.contracts.scored import ScoredLabel

CLASSES = ("a", "b", "c")
TAGS = ("O", "B-X", "I-X", "E-X", "S-Y")


def classes(rng, count):
    predicted = []
    for row in rng.integers(1, 5, size=(count, 3)):
        scores = dict(zip(CLASSES, map(float, row / row.sum()), strict=True))
        predicted.append(ScoredLabel(max(scores, key=scores.get), scores))
    return predicted, rng.choice(CLASSES, count).tolist(), CLASSES


def labels(rng, count):
    scores = rng.integers(0, 4, size=(count, 3)) / 4
    return scores, scores > 0.4, rng.choice([0.0, 1.0, np.nan], size=(count, 3))


def numbers(rng, count):
    return rng.integers(0, 3, count).astype(float), rng.normal(size=count)


def tags(rng, count):
    rows = [rng.choice(TAGS, size=(2, rng.integers(0, 5))).tolist() for _ in range(count)]
    return [row[0] for row in rows], [[tag if tag != "S-Y" else None for tag in row[1]] for row in rows], TAGS


def sets(rng, count):
    return [[set(rng.integers(0, 4, 3).tolist()) for _ in range(count)] for _ in range(2)]


def answers(rng, count):
    predicted = [" ".join(rng.choice(["x", "y"], 2)) if rng.random() > 0.3 else "" for _ in range(count)]
    return predicted, [rng.choice(["x y", "y", "z"], rng.integers(0, 3)).tolist() for _ in range(count)]


def trees(rng, count):
    rows = [[(int(n), "r") for n in rng.integers(0, 3, rng.integers(0, 4))] for _ in range(count)]
    return rows, [[arc if arc[0] else None for arc in row] for row in rows]


def ranks(rng, count):
    return (rng.integers(1, 12, count),)


KINDS = {
    "classes": (choice.of_classes, get_args(names.ClassMetric), classes),
    "ordered": (choice.of_ordered, get_args(names.OrderedMetric), classes),
    "labels": (choice.of_labels, get_args(names.LabelMetric), labels),
    "numbers": (choice.of_numbers, get_args(names.NumberMetric), numbers),
    "tags": (choice.of_tags, get_args(names.TagMetric), tags),
    "sets": (choice.of_sets, get_args(names.SpanMetric), sets),
    "answers": (choice.of_answers, get_args(names.AnswerMetric), answers),
    "trees": (
        lambda chosen, *sides: tuple(choice.OF_TREES[name](*sides) for name in chosen),
        get_args(names.TreeMetric),
        trees,
    ),
    "ranks": (choice.of_ranks, get_args(names.RankMetric), ranks),
    "tokens": (
        lambda chosen, *sides: (perplexity(*sides),),
        ("perplexity",),
        lambda rng, count: (rng.random(count), rng.integers(0, 3, count)),
    ),
}
LOWER_IS_BETTER = {"mae", "rmse", "perplexity"}


def measures(kind, seed, count):
    make, chosen, rows = KINDS[kind]
    return make(chosen, *rows(np.random.default_rng(seed), count))


def measures_of(kind, sides, chosen):
    """The measures of some of the rows, as a batch or another process would make them."""
    make, names, _ = KINDS[kind]
    picked = [_picked(side, chosen) for side in sides]
    return make(names, *picked)


def _picked(side, chosen):
    if isinstance(side, np.ndarray):
        return side[chosen]
    return side if side in (CLASSES, TAGS) else [side[at] for at in chosen]
