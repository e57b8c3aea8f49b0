"""One optimizer step: rows, losses, gradients, update."""

from collections.abc import Mapping, Sequence
from math import isfinite

import torch
from attrs import define, field, frozen
from torch import Tensor

from mtlkit.contracts.head import LossTerm
from mtlkit.contracts.progress import Progress
from mtlkit.engine.heads import Readers
from mtlkit.engine.seeds import python_rng, seeded
from mtlkit.engine.session import TRAIN, Session
from mtlkit.engine.soft import add_penalties, mixed
from mtlkit.engine.ties import ready_gradients
from mtlkit.errors import PluginError, TrainingError, blaming

Positions = Mapping[str, Sequence[int]]


@frozen
class Outcome:
    """What one step did: mean losses by task, the norm of the live gradients, rows by source, penalties."""

    losses: Mapping[str, float]
    grad_norm: float
    rows: Mapping[str, int]
    penalties: Mapping[str, float] = {}


@define
class Cursors:
    """Rows taken so far of each source; with the seed, all there is to know about the data order."""

    taken: dict[str, int] = field(factory=dict)


def training_step(session: Session, progress: Progress, cursors: Cursors) -> Outcome:
    """Take the rows of this step, add up the gradients of its micro-batches and update once.

    Raises:
        TrainingError: when a loss or the gradient is not finite, before any weight has changed.
        PluginError: when a sampler or a head breaks its contract.
    """
    positions = rows_of_step(session, progress, cursors)
    micros = _micro_batches(positions, session.plan.training.accumulate)
    targets = [_targets(session, micro) for micro in micros]
    gates = _gates(session, progress)
    counts = _counts(session, targets)
    losses = dict.fromkeys((task for task, count in counts.items() if count > 0), 0.0)
    seen = dict.fromkeys(counts, 0.0)
    for number, (micro, labels) in enumerate(zip(micros, targets, strict=True)):
        purpose = ("step", progress.step, number)
        with mixed(session.soft, session.handles, session.plan.seed, "mixout", *purpose):
            with seeded(session.plan.seed, *purpose):
                terms = _losses(session, micro, labels, gates)
            for task, term in terms.items():
                seen[task] += term.count
            _backward(session, progress, terms, counts, losses, positions)
    _check_counts(counts, seen)
    penalties = add_penalties(session.soft, session.handles, progress)
    norm = _update(session, progress)
    taken = {name: len(rows) for name, rows in positions.items()}
    for name, count in taken.items():
        cursors.taken[name] = cursors.taken.get(name, 0) + count
    return Outcome(losses, norm, taken, penalties)


def rows_of_step(session: Session, progress: Progress, cursors: Cursors) -> Positions:
    """The rows that the step takes of each source, as positions in its training rows.

    Raises:
        PluginError: when the sampler breaks its contract.
    """
    mix = _mix(session, progress)
    return {name: session.streams[name].take(cursors.taken.get(name, 0), n) for name, n in mix.items()}


def _mix(session: Session, progress: Progress) -> dict[str, int]:
    sources = session.sources
    batch = session.plan.training.rows_per_step
    rng = python_rng(session.plan.seed, "mix", progress.step)
    with blaming(f"sampler {session.plan.sampler.name!r}", "mix"):
        mix = dict(session.plan.sampler.options.mix(sources, progress, rng, batch))
    unknown = set(mix) - {source.name for source in sources}
    if unknown or sum(mix.values()) != batch or min(mix.values()) < 0:
        raise PluginError(
            f"sampler {session.plan.sampler.name!r} gave the mix {mix} at step {progress.step}",
            f"expected {batch} rows in all of {', '.join(source.name for source in sources)}",
        )
    return {name: count for name, count in mix.items() if count}


def _micro_batches(positions: Positions, accumulate: int) -> list[dict[str, Sequence[int]]]:
    """Each source's rows in `accumulate` runs of near equal length; empty ones left out."""
    micros: list[dict[str, Sequence[int]]] = [{} for _ in range(accumulate)]
    for name, rows in positions.items():
        for number, micro in enumerate(micros):
            start, end = (len(rows) * at // accumulate for at in (number, number + 1))
            if end > start:
                micro[name] = rows[start:end]
    return [micro for micro in micros if micro]


def _targets(session: Session, micro: Positions) -> dict[str, object]:
    found: dict[str, object] = {}
    for readers in _reading(session, micro):
        rows = session.data[readers.source].records(TRAIN, micro[readers.source])
        for task, head in readers.heads.items():
            with blaming(f"the head of task {task!r}", "targets"):
                found[task] = head.targets(rows).to(session.device)
    return found


def _counts(session: Session, targets: Sequence[Mapping[str, object]]) -> dict[str, float]:
    counts: dict[str, float] = {}
    for labels in targets:
        for task, target in labels.items():
            counts[task] = counts.get(task, 0.0) + session.built.heads[task].count(target)
    return counts


def _gates(session: Session, progress: Progress) -> dict[str, float]:
    """How much of each task's gradient reaches the backbone in this step."""
    return {
        task.name: task.backbone_grad * task.backbone_grad_curve.options.factor(progress, progress.step)
        for task in session.plan.tasks
    }


def _losses(
    session: Session, micro: Positions, labels: Mapping[str, object], gates: Mapping[str, float]
) -> dict[str, LossTerm]:
    terms: dict[str, LossTerm] = {}
    for readers in _reading(session, micro):
        outputs = readers.outputs(session.encoder, TRAIN, micro[readers.source], gates)
        for task, head in readers.heads.items():
            with blaming(f"the head of task {task!r}", "loss"):
                terms[task] = head.loss(outputs[task].float(), labels[task])
    return terms


def _backward(
    session: Session,
    progress: Progress,
    terms: Mapping[str, LossTerm],
    counts: Mapping[str, float],
    losses: dict[str, float],
    positions: Positions,
) -> None:
    """Add the gradient of the weighted sum of mean losses, and the values to `losses`."""
    means = {task: term.sum / counts[task] for task, term in terms.items() if counts[task] > 0}
    now = {task: float(mean.detach()) for task, mean in means.items()}
    for task, value in now.items():
        losses[task] += value
        if not isfinite(value):
            source = session.plan.task(task).data
            numbers = session.data[source].numbers(TRAIN, positions[source])
            raise TrainingError(
                f"the loss of task {task!r} is {value} at step {progress.step}; "
                "no weight has been changed by it",
                f"look at rows {', '.join(map(str, numbers[:16]))} of data {source!r}, or lower the rates",
            )
    passing = {task: float(terms[task].sum.detach()) / terms[task].count for task in now if terms[task].count}
    with blaming(f"balancer {session.plan.balancer.name!r}", "weights"):
        balance = session.plan.balancer.options.weights(passing, progress)
    total: Tensor | None = None
    for task, mean in means.items():
        if task not in passing:
            continue
        weighted = mean * (session.plan.task(task).weight * balance[task])
        total = weighted if total is None else total + weighted
    if total is not None and total.requires_grad:
        torch.autograd.backward(total)


def _check_counts(counts: Mapping[str, float], seen: Mapping[str, float]) -> None:
    for task, count in counts.items():
        if seen[task] != count:
            raise PluginError(
                f"the head of task {task!r} announced a count of {count} and returned {seen[task]}",
                "Head.count(targets) must equal LossTerm.count",
            )


def _update(session: Session, progress: Progress) -> float:
    """Clip and step; returns the gradient norm before clipping."""
    ready_gradients(session.handles.weights.values())
    live = [
        parameter
        for group in session.optimizer.param_groups
        for parameter in group["params"]
        if parameter.grad is not None
    ]
    if any(parameter.grad is not None and parameter.grad.is_sparse for parameter in live):
        raise PluginError("a weight has a sparse gradient", "build its nn.Embedding with sparse=False")
    norm = torch.nn.utils.get_total_norm([parameter.grad for parameter in live])
    if not torch.isfinite(norm):
        raise TrainingError(
            f"the gradient is not finite at step {progress.step}; no weight has been changed by it",
            "lower the rates, or set training.grad_clip",
        )
    if session.plan.training.grad_clip is not None:
        torch.nn.utils.clip_grads_with_norm_(live, session.plan.training.grad_clip, norm)
    session.optimizer.step()
    session.optimizer.zero_grad(set_to_none=True)
    return float(norm)


def _reading(session: Session, micro: Positions) -> list[Readers]:
    return [readers for readers in session.readers if readers.source in micro]
