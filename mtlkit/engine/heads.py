"""Heads over shared features: one encoding per view serves every head that reads the same rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen
from torch import Tensor

from mtlkit.contracts.backbone import Features
from mtlkit.contracts.data import Record
from mtlkit.contracts.head import Head, asked_layers
from mtlkit.contracts.rows import SplitName
from mtlkit.engine.features import Encoder, Need, Reading, View
from mtlkit.engine.gradients import gated
from mtlkit.engine.limits import Limit
from mtlkit.engine.own_texts import own_features
from mtlkit.engine.seeds import derive
from mtlkit.engine.spans import span, spanned
from mtlkit.errors import blaming

NO_GATES: Mapping[str, float] = {}
Encoded = Mapping[View, Sequence[Features]]


@frozen(eq=False)
class Taken:
    """Rows of a source for one forward pass, and what its heads get of them beside features, by task.

    `changed` are prepared rows of heads that change theirs at random, `inputs` what heads read otherwise,
    `targets` the labels where they were asked for.
    """

    split: SplitName
    positions: Sequence[int]
    changed: Mapping[str, Sequence[Any]]
    inputs: Mapping[str, Any]
    targets: Mapping[str, Any]


@frozen(eq=False)
class Readers:
    """The heads that read one source, by task; `limits` say which training rows count for a task."""

    source: str
    heads: Mapping[str, Head]
    limits: Mapping[str, Limit] = {}

    def needs(self) -> dict[View, Need]:
        """What all of these heads together want of each view."""
        return self._needs(self.heads)

    def located(self) -> frozenset[View]:
        """The views of which a head wants to know where tokens are."""
        return frozenset(
            view for head in self.heads.values() if getattr(head, "located", False) for view in head.views
        )

    @spanned("data")
    def take(
        self,
        encoder: Encoder,
        split: SplitName,
        positions: Sequence[int],
        seed: int | None = None,
        labelled: bool = False,
    ) -> Taken:
        """These rows, with their targets where `labelled`.

        `seed` draws what heads change at random; without one nothing is changed.
        """
        changed: dict[str, Sequence[Any]] = {}
        inputs: dict[str, Any] = {}
        targets: dict[str, Any] = {}
        reading = labelled or any(hasattr(head, "inputs") for head in self.heads.values())
        records = encoder.data[self.source].records(split, positions) if reading else []
        for task, head in self.heads.items():
            if hasattr(head, "corrupt"):
                inputs[task] = None
                if seed is not None and (labelled or not getattr(head, "measured_whole", False)):
                    items = encoder.items(Reading(self.source, split, head.views[0]), positions)
                    with blaming(f"the head of task {task!r}", "corrupt"):
                        changed[task], wanted = head.corrupt(items, np.random.default_rng(derive(seed, task)))
                        inputs[task] = targets[task] = wanted.to(encoder.device)
                continue
            if hasattr(head, "inputs"):
                with blaming(f"the head of task {task!r}", "inputs"):
                    inputs[task] = head.inputs(records).to(encoder.device)
            if labelled:
                with blaming(f"the head of task {task!r}", "targets"):
                    told = self.labelled(task, split, positions, records)
                    targets[task] = head.targets(told).to(encoder.device)
        return Taken(split, positions, changed, inputs, targets)

    def labelled(
        self, task: str, split: SplitName, positions: Sequence[int], records: Sequence[Record]
    ) -> Sequence[Record]:
        """These rows as the task learns from them: training rows beyond its limit have no label."""
        limit = self.limits.get(task) if split == "train" else None
        return records if limit is None else limit.applied(records, positions)

    def outputs(
        self, encoder: Encoder, taken: Taken, gates: Mapping[str, float] = NO_GATES
    ) -> dict[str, Tensor]:
        """Scores of every head for those rows, by task.

        `gates` says by task how much of its gradient reaches the backbone, all of it where it says nothing.
        """
        found = {}
        for task, features in self._all_features(encoder, taken).items():
            gate = gates.get(task, 1.0)
            beside = (taken.inputs[task],) if task in taken.inputs else ()
            with span("heads"), blaming(f"the head of task {task!r}", "forward"):
                found[task] = self.heads[task].forward([gated(each, gate) for each in features], *beside)
        return found

    def features(
        self, encoder: Encoder, split: SplitName, positions: Sequence[int]
    ) -> dict[str, list[Features]]:
        """What every head reads of those rows, by task, one per view."""
        return self._all_features(encoder, Taken(split, positions, {}, {}, {}))

    def lengths(self, encoder: Encoder, split: SplitName) -> list[int]:
        """The cost of each row in tokens, all views together."""
        return self._lengths(encoder, split, self.needs())

    def first_lengths(self, encoder: Encoder, split: SplitName) -> list[int]:
        """The cost of each row in tokens for the first of these heads, whichever come behind it."""
        return self._lengths(encoder, split, dict.fromkeys(next(iter(self.heads.values())).views))

    def encodings(self, encoder: Encoder, split: SplitName) -> list[Sequence[int]]:
        """The length in tokens of each row, once for each time that a training step encodes the rows."""
        changing = {task for task, head in self.heads.items() if hasattr(head, "corrupt")}
        shared = self._needs({task: head for task, head in self.heads.items() if task not in changing})
        own = [
            view
            for task, head in self.heads.items()
            for place, view in enumerate(head.views)
            if task in changing or view in head.views[:place]
        ]
        return [encoder.lengths(Reading(self.source, split, view)) for view in (*shared, *own)]

    def _lengths(self, encoder: Encoder, split: SplitName, views: Iterable[View]) -> list[int]:
        per_view = [encoder.lengths(Reading(self.source, split, view)) for view in views]
        return [sum(lengths) for lengths in zip(*per_view, strict=True)]

    def _all_features(self, encoder: Encoder, taken: Taken) -> dict[str, list[Features]]:
        needs = self._needs({task: head for task, head in self.heads.items() if task not in taken.changed})
        encoded = {
            view: encoder.features(Reading(self.source, taken.split, view), taken.positions, need)
            for view, need in needs.items()
        }
        return {task: self._features(task, encoder, taken, encoded, needs) for task in self.heads}

    def _features(
        self, task: str, encoder: Encoder, taken: Taken, encoded: Encoded, needs: Mapping[View, Need]
    ) -> list[Features]:
        """One per view; a view that is listed again is encoded again where dropout makes two of it."""
        head = self.heads[task]
        own = _joint([head])
        if task in taken.changed:
            return [_pick(encoder.of_items(taken.changed[task], own), own, head)]
        found: list[Features] = []
        for place, view in enumerate(head.views):
            if view in head.views[:place] and encoder.draws:
                reading = Reading(self.source, taken.split, view)
                found.append(_pick(encoder.features(reading, taken.positions, own), own, head))
            else:
                found.append(_pick(encoded[view], needs[view], head))
        return found + own_features(head, encoder, own)

    def _needs(self, heads: Mapping[str, Head]) -> dict[View, Need]:
        views = dict.fromkeys(view for head in heads.values() for view in head.views)
        return {view: _joint([head for head in heads.values() if view in head.views]) for view in views}


def _joint(heads: Sequence[Head]) -> Need:
    return Need(
        tokens=any(head.needs == "tokens" for head in heads),
        poolings=frozenset(head.pooling for head in heads if head.needs == "pooled"),
        layers=frozenset(layer for head in heads for layer in asked_layers(head)),
    )


def _pick(features: Sequence[Features], need: Need, head: Head) -> Features:
    if head.needs == "tokens":
        return features[-1]
    return features[sorted(need.poolings).index(head.pooling)]
