"""Losses over all rows of a step, also where the rows are encoded in parts.

Gao et al. 2021, arXiv:2101.06983: the parts are encoded without gradient, the loss of all of them gives the
gradient of what the head yielded, and with it the parts are encoded once more, each with its gradient. A
step seeds its random numbers, so both passes draw the same dropout.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

import torch
from attrs import frozen
from torch import Tensor

from mtlkit.contracts.head import LossTerm
from mtlkit.engine.heads import Taken
from mtlkit.engine.session import TRAIN, Session
from mtlkit.errors import blaming, returned

Parts = Sequence[Mapping[str, Taken]]
Forward = Callable[[int], AbstractContextManager[Mapping[str, Tensor]]]


@frozen(eq=False)
class WholeLoss:
    """The loss of a task over a whole step: its scores `leaf`, and how many of them each part gave."""

    term: LossTerm
    leaf: Tensor
    sizes: Mapping[int, int]

    def pull(self, number: int, output: Tensor) -> Tensor:
        """What to add to the loss of a part so that its `output` gets its share of the gradient."""
        if self.leaf.grad is None:
            return output.sum() * 0.0
        before = sum(size for part, size in self.sizes.items() if part < number)
        return (output.float() * self.leaf.grad[before : before + self.sizes[number]]).sum()


def whole_tasks(session: Session) -> frozenset[str]:
    """The tasks whose heads ask for all rows of a step."""
    return frozenset(task for task, head in session.built.heads.items() if getattr(head, "whole_step", False))


def whole_losses(session: Session, parts: Parts, forward: Forward) -> dict[str, WholeLoss]:
    """Those tasks' losses, from a pass without gradients; `forward(number)` gives the scores of a part.

    None where the step has only one part: that one has all rows.
    """
    tasks = whole_tasks(session)
    if not tasks or len(parts) == 1:
        return {}
    scores = [_without_gradient(forward, number) for number in range(len(parts))]
    return {
        task: _whole(session, task, parts, [each.get(task) for each in scores])
        for task in sorted(tasks)
        if any(task in each for each in scores)
    }


def _without_gradient(forward: Forward, number: int) -> Mapping[str, Tensor]:
    with torch.no_grad(), forward(number) as scores:
        return scores


def _whole(session: Session, task: str, parts: Parts, scores: Sequence[Tensor | None]) -> WholeLoss:
    leaf = torch.cat([each.float() for each in scores if each is not None]).requires_grad_()
    sizes = {number: len(each) for number, each in enumerate(scores) if each is not None}
    source, head = session.plan.task(task).data, session.built.heads[task]
    positions = list(_positions(parts, source))
    readers = next(each for each in session.readers if each.source == source)
    rows = readers.labelled(task, TRAIN, positions, session.data[source].records(TRAIN, positions))
    with blaming(f"the head of task {task!r}", "loss"):
        term = head.loss(leaf, head.targets(rows).to(session.device))
        return WholeLoss(returned(term, LossTerm, f"the head of task {task!r}", "loss"), leaf, sizes)


def _positions(parts: Parts, source: str) -> Iterator[int]:
    for part in parts:
        if source in part:
            yield from part[source].positions
