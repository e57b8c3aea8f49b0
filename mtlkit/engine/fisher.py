"""The diagonal of the empirical Fisher information: squared gradients of single rows, on average."""

from collections.abc import Mapping

import torch
from torch import Tensor

from mtlkit.engine.apply import apply_trainable, set_eval
from mtlkit.engine.seeds import derive, permutation
from mtlkit.engine.session import TRAIN, Session


def measure_importance(session: Session) -> None:
    """Fill in the importance of every regularizer that asks for it, from the weights as they are now.

    The rows are a seeded choice of the training rows of each source, the losses those of the run's own
    heads, added with their weights. Modes and flags are left for the first phase to set.
    """
    for soft in session.soft:
        rows = soft.regularizer.fisher_rows
        if rows:
            apply_trainable(session.handles, frozenset(soft.starts))
            set_eval(session.built.model)
            soft.importance.update(_fisher(session, soft.starts, rows))
            apply_trainable(session.handles, frozenset())


def _fisher(session: Session, starts: Mapping[str, Tensor], rows: int) -> dict[str, Tensor]:
    sums = {name: torch.zeros_like(start) for name, start in starts.items()}
    count = 0
    for readers in session.readers:
        data = session.data[readers.source]
        order = permutation(len(data.splits[TRAIN]), session.plan.seed, "fisher", readers.source)
        for position in order[:rows].tolist():
            seed = derive(session.plan.seed, "fisher", position)
            taken = readers.take(session.encoder, TRAIN, [position], seed, labelled=True)
            outputs = readers.outputs(session.encoder, taken)
            loss = torch.zeros((), device=session.device)
            for task, head in readers.heads.items():
                term = head.loss(outputs[task].float(), taken.targets[task])
                loss = loss + session.plan.task(task).weight * term.sum
            count += 1
            if loss.requires_grad:
                _add_squares(session, loss, sums)
    return {name: total / max(1, count) for name, total in sums.items()}


def _add_squares(session: Session, loss: Tensor, sums: Mapping[str, Tensor]) -> None:
    names = list(sums)
    parameters = [session.handles.parameters(name)[0] for name in names]
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    for name, gradient in zip(names, gradients, strict=True):
        if gradient is not None:
            sums[name].add_(gradient.abs().square())
