"""The arithmetic of a training step of one task, without an engine: what its overhead is measured against."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from attrs import frozen

from mtlkit.engine.apply import apply_rates, apply_trainable
from mtlkit.engine.features import pooled_only
from mtlkit.engine.order import homogeneous
from mtlkit.engine.pooling import pool
from mtlkit.engine.session import Session
from mtlkit.engine.step import Cursors, rows_of_step


@frozen(eq=False)
class Bare:
    """A model, its optimizer and its tokenised rows; `steps` are the rows of each step, as the engine takes them."""

    session: Session
    task: str
    items: Sequence[Any]
    records: Sequence[Any]
    steps: Sequence[Sequence[int]]

    @classmethod
    def of(cls, session: Session) -> "Bare":
        """The only task of a session, of which every weight trains."""
        task = session.plan.tasks[0]
        head, data = session.built.heads[task.name], session.data[task.data]
        records = list(data.all("train"))
        view = head.views[0]
        items = session.built.backbone.prepare([tuple(row[name] for name in view) for row in records])
        first = next(iter(session.timeline.moments()))
        apply_trainable(session.handles, first.trainable)
        apply_rates(session.optimizer, first.rates)
        return cls(session, task.name, items, records, list(_order(session, task.data)))

    def step(self, number: int) -> float:
        """Forward, backward, clip and update; the loss."""
        tables, optimizer = self.session.tables, self.session.optimizer
        with tables.sparse():
            loss = self.backward(number)
        with tables.gathered(optimizer):
            weights = [weight for group in optimizer.param_groups for weight in group["params"]]
            torch.nn.utils.clip_grad_norm_(weights, self.session.plan.training.grad_clip or 1.0)
            optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss

    def backward(self, number: int) -> float:
        """The gradients of a step's rows; the loss."""
        rows = self.steps[number]
        head = self.session.built.heads[self.task]
        groups = self._groups(rows)
        pooled = torch.cat([self._encoded([rows[at] for at in group], head.pooling) for group in groups])
        targets = head.targets([self.records[rows[at]] for group in groups for at in group])
        term = head.loss(head.forward([pooled_only(pooled)]).float(), targets)
        loss = term.sum / term.count
        torch.autograd.backward(loss)
        return float(loss.detach())

    def _encoded(self, rows: Sequence[int], how: Any) -> torch.Tensor:
        backbone, training = self.session.built.backbone, self.session.plan.training
        with torch.autocast("cpu", torch.bfloat16, enabled=training.precision == "bf16"):
            batch = backbone.collate([self.items[row] for row in rows])
            with backbone.first_alone() if how == "cls" else nullcontext():
                features = backbone.forward(batch)
            return pool(features.tokens, features.mask, how)

    def _groups(self, rows: Sequence[int]) -> list[list[int]]:
        """Together what the engine encodes together."""
        if getattr(self.session.built.backbone, "ragged", False):
            return [list(range(len(rows)))]
        return homogeneous([len(self.items[row]) for row in rows])


def _order(session: Session, source: str) -> Iterator[Sequence[int]]:
    cursors = Cursors()
    for step in range(session.timeline.total):
        rows = rows_of_step(session, session.timeline.progress(step), cursors)[source]
        cursors.taken[source] = cursors.taken.get(source, 0) + len(rows)
        yield rows
