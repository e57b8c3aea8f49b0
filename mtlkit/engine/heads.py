"""Heads over shared features: one encoding per view serves every head that reads the same rows."""

from collections.abc import Mapping, Sequence

from attrs import frozen
from torch import Tensor

from mtlkit.contracts.backbone import Features
from mtlkit.contracts.head import Head
from mtlkit.contracts.rows import SplitName
from mtlkit.engine.features import Encoder, Need, Reading, View
from mtlkit.engine.gradients import gated
from mtlkit.errors import blaming

NO_GATES: Mapping[str, float] = {}


@frozen(eq=False)
class Readers:
    """The heads that read one source, by task."""

    source: str
    heads: Mapping[str, Head]

    def needs(self) -> dict[View, Need]:
        """What all of these heads together want of each view."""
        views = dict.fromkeys(view for head in self.heads.values() for view in head.views)
        return {view: self._need(view) for view in views}

    def outputs(
        self,
        encoder: Encoder,
        split: SplitName,
        positions: Sequence[int],
        gates: Mapping[str, float] = NO_GATES,
    ) -> dict[str, Tensor]:
        """Scores of every head for those rows, by task.

        `gates` says by task how much of its gradient reaches the backbone, all of it where it says nothing.
        """
        encoded = {
            view: encoder.features(Reading(self.source, split, view), positions, need)
            for view, need in self.needs().items()
        }
        needs = self.needs()
        found = {}
        for task, head in self.heads.items():
            gate = gates.get(task, 1.0)
            features = [gated(_pick(encoded[view], needs[view], head), gate) for view in head.views]
            with blaming(f"the head of task {task!r}", "forward"):
                found[task] = head.forward(features)
        return found

    def lengths(self, encoder: Encoder, split: SplitName) -> list[int]:
        """The cost of each row in tokens, all views together."""
        per_view = [encoder.lengths(Reading(self.source, split, view)) for view in self.needs()]
        return [sum(lengths) for lengths in zip(*per_view, strict=True)]

    def _need(self, view: View) -> Need:
        readers = [head for head in self.heads.values() if view in head.views]
        return Need(
            tokens=any(head.needs == "tokens" for head in readers),
            poolings=frozenset(head.pooling for head in readers if head.needs == "pooled"),
        )


def _pick(features: Sequence[Features], need: Need, head: Head) -> Features:
    if head.needs == "tokens":
        return features[-1]
    return features[sorted(need.poolings).index(head.pooling)]
