"""One optimizer step: rows, losses, gradients, update."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from math import isfinite
from numbers import Real

import torch
from attrs import define, field, frozen
from torch import Tensor

from mtlkit.contracts.head import LossTerm
from mtlkit.contracts.progress import Progress
from mtlkit.engine.heads import Taken
from mtlkit.engine.micro_batches import Positions, parts_of_step
from mtlkit.engine.seeds import derive, python_rng, seeded
from mtlkit.engine.session import TRAIN, Session
from mtlkit.engine.soft import add_penalties, mixed
from mtlkit.engine.spans import span, spanned
from mtlkit.engine.ties import ready_gradients
from mtlkit.engine.whole_step import WholeLoss, whole_losses
from mtlkit.errors import NotFiniteError, PluginError, blaming, returned
from mtlkit.plan.batches import rows_of_mix

CLIP_EPSILON = 1e-6
"""What torch adds to a norm before it divides by it."""


@frozen
class Outcome:
    """What one step did: mean losses by task, the norm of the live gradients, rows by source, penalties.

    `skipped` says why the step changed nothing, and is empty where it did.
    """

    losses: Mapping[str, float]
    grad_norm: float
    rows: Mapping[str, int]
    penalties: Mapping[str, float] = {}
    skipped: str = ""


@define
class Cursors:
    """Rows taken so far of each source; with the seed, all there is to know about the data order."""

    taken: dict[str, int] = field(factory=dict)


@spanned("step")
def training_step(session: Session, progress: Progress, cursors: Cursors) -> Outcome:
    """Take the rows of this step, add up the gradients of its micro-batches and update once.

    Raises:
        NotFiniteError: when a loss or the gradient is not finite, before any weight has changed, unless
            the recipe says that such a step is skipped.
        PluginError: when a sampler or a head breaks its contract.
    """
    positions = rows_of_step(session, progress, cursors)
    taken = {name: len(rows) for name, rows in positions.items()}
    with _skipping(session) as skipped:
        outcome = _updated(session, progress, positions)
    if skipped:
        outcome = Outcome({}, 0.0, taken, {}, str(skipped[0].problems[0]))
    for name, count in taken.items():
        cursors.taken[name] = cursors.taken.get(name, 0) + count
    return outcome


@contextmanager
def _skipping(session: Session) -> Iterator[list[NotFiniteError]]:
    """Where the recipe wants it, take back what a step did that is not finite, and tell why."""
    found: list[NotFiniteError] = []
    if session.plan.training.on_nonfinite == "stop":
        yield found
        return
    before = [(buffer, buffer.clone()) for _, buffer in session.built.model.buffers()]
    try:
        yield found
    except NotFiniteError as error:
        found.append(error)
        session.optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)


def _updated(session: Session, progress: Progress, positions: Positions) -> Outcome:
    parts = _parts(session, progress, positions)
    counts = _counts(session, parts)
    tally = _Tally(session, progress, positions, counts)
    forward = partial(_scored, session, progress, parts, _gates(session, progress))
    with session.tables.sparse():
        whole = whole_losses(session, parts, forward)
        if whole:
            tally.backward({task: each.term for task, each in whole.items()})
        for number, part in enumerate(parts):
            with forward(number) as scores:
                pulls = [whole[task].pull(number, scores[task]) for task in scores if task in whole]
                tally.backward(_terms(session, part, scores, whole), pulls)
    tally.check_counts()
    penalties = add_penalties(session.soft, session.handles, progress)
    norm = _update(session, progress, positions)
    return Outcome(tally.losses, norm, {name: len(rows) for name, rows in positions.items()}, penalties)


@spanned("data")
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
    return rows_of_mix(session.plan, mix)


@spanned("data")
def _parts(session: Session, progress: Progress, positions: Positions) -> list[dict[str, Taken]]:
    """The rows of each micro-batch by source, with their targets."""
    seed = session.plan.seed
    return [
        {
            readers.source: readers.take(
                session.encoder,
                TRAIN,
                micro[readers.source],
                seed=derive(seed, "corrupt", progress.step, number),
                labelled=True,
            )
            for readers in session.readers
            if readers.source in micro
        }
        for number, micro in enumerate(parts_of_step(session, positions))
    ]


def _counts(session: Session, parts: Sequence[Mapping[str, Taken]]) -> dict[str, float]:
    counts: dict[str, float] = {}
    for part in parts:
        for taken in part.values():
            for task, target in taken.targets.items():
                count = session.built.heads[task].count(target)
                counts[task] = counts.get(task, 0.0) + returned(count, Real, _head(task), "count")
    return counts


def _head(task: str) -> str:
    return f"the head of task {task!r}"


def _gates(session: Session, progress: Progress) -> dict[str, float]:
    """How much of each task's gradient reaches the backbone in this step."""
    return {
        task.name: task.backbone_grad * task.backbone_grad_curve.options.factor(progress, progress.step)
        for task in session.plan.tasks
    }


@contextmanager
def _scored(
    session: Session,
    progress: Progress,
    parts: Sequence[Mapping[str, Taken]],
    gates: Mapping[str, float],
    number: int,
) -> Iterator[dict[str, Tensor]]:
    """The scores of every head for a micro-batch, always the same; weights stay mixed inside the block."""
    found: dict[str, Tensor] = {}
    purpose = ("step", progress.step, number)
    with mixed(session.soft, session.handles, session.plan.seed, "mixout", *purpose):
        with seeded(session.plan.seed, *purpose):
            for readers in session.readers:
                if readers.source in parts[number]:
                    found |= readers.outputs(session.encoder, parts[number][readers.source], gates)
        yield found


@spanned("heads")
def _terms(
    session: Session,
    part: Mapping[str, Taken],
    scores: Mapping[str, Tensor],
    whole: Mapping[str, WholeLoss],
) -> dict[str, LossTerm]:
    """The losses of a micro-batch, those of whole steps left out."""
    terms: dict[str, LossTerm] = {}
    for taken in part.values():
        for task, targets in taken.targets.items():
            if task not in whole:
                with blaming(_head(task), "loss"):
                    term = session.built.heads[task].loss(scores[task].float(), targets)
                    terms[task] = returned(term, LossTerm, _head(task), "loss")
    return terms


@define
class _Tally:
    """The losses of a step as its parts come in; `counts` are those of the whole step."""

    session: Session
    progress: Progress
    positions: Positions
    counts: Mapping[str, float]
    losses: dict[str, float] = field(factory=dict)
    seen: dict[str, float] = field(factory=dict)

    def backward(self, terms: Mapping[str, LossTerm], pulls: Sequence[Tensor] = ()) -> None:
        """Add the gradient of the weighted sum of mean losses, and the values to `losses`.

        Raises:
            NotFiniteError: when a loss is not finite.
        """
        for task, term in terms.items():
            self.seen[task] = self.seen.get(task, 0.0) + term.count
        means = {task: term.sum / self.counts[task] for task, term in terms.items() if self.counts[task] > 0}
        for task, mean in means.items():
            value = float(mean.detach())
            self.losses[task] = self.losses.get(task, 0.0) + value
            if not isfinite(value):
                raise self._not_finite(task, value)
        labelled = {task: term for task, term in terms.items() if task in means and term.count}
        passing = {task: float(term.sum.detach()) / term.count for task, term in labelled.items()}
        with blaming(f"balancer {self.session.plan.balancer.name!r}", "weights"):
            told = self.session.plan.balancer.options.weights(passing, self.progress)
            balance = {task: float(told[task]) for task in passing}
        weighted = [means[task] * (self.session.plan.task(task).weight * balance[task]) for task in passing]
        losses = [loss for loss in (*weighted, *pulls) if loss.requires_grad]
        if losses:
            with span("backward"):
                torch.autograd.backward(sum(losses[1:], losses[0]))

    def check_counts(self) -> None:
        """Hold the counts that heads announced against those they returned."""
        for task, count in self.counts.items():
            if self.seen.get(task, 0.0) != count:
                raise PluginError(
                    f"the head of task {task!r} announced a count of {count} and returned "
                    f"{self.seen.get(task, 0.0)}",
                    "Head.count(targets) must equal LossTerm.count",
                )

    def _not_finite(self, task: str, value: float) -> NotFiniteError:
        source = self.session.plan.task(task).data
        numbers = self.session.data[source].numbers(TRAIN, self.positions[source])
        return NotFiniteError(
            f"the loss of task {task!r} is {value} at step {self.progress.step}; "
            "no weight has been changed by it",
            f"look at rows {', '.join(map(str, numbers[:16]))} of data {source!r}, or lower the rates",
        )


def _not_finite_gradient(session: Session, progress: Progress, positions: Positions) -> NotFiniteError:
    wrong = [
        name
        for name, weight in session.handles.weights.items()
        if (gradient := weight.parameters[0].grad) is not None and not _finite(gradient)
    ]
    rows = "; ".join(
        f"{', '.join(map(str, session.data[name].numbers(TRAIN, rows[:16])))} of data {name!r}"
        for name, rows in positions.items()
    )
    of = ", ".join(wrong[:4]) + (f" and {len(wrong) - 4} more" if len(wrong) > 4 else "")
    return NotFiniteError(
        f"the gradient of {of or 'all weights together'} is not finite at step {progress.step}; "
        "no weight has been changed by it",
        f"look at rows {rows}, lower the rates, or set training.grad_clip",
    )


def _finite(gradient: Tensor) -> bool:
    values = gradient.coalesce().values() if gradient.is_sparse else gradient
    return bool(values.isfinite().all())


@spanned("optimizer")
def _update(session: Session, progress: Progress, positions: Positions) -> float:
    """Clip and step; returns the gradient norm before clipping."""
    ready_gradients(session.handles.weights.values())
    with session.tables.gathered(session.optimizer):
        norm = _clip_and_step(session, progress, positions)
    for weight in session.handles.weights.values():
        for parameter in weight.parameters:
            parameter.grad = None
    return norm


def _clip_and_step(session: Session, progress: Progress, positions: Positions) -> float:
    live = [
        parameter
        for group in session.optimizer.param_groups
        for parameter in group["params"]
        if parameter.grad is not None
    ]
    if any(parameter.grad is not None and parameter.grad.is_sparse for parameter in live):
        raise PluginError("a weight has a sparse gradient", "build its nn.Embedding with sparse=False")
    total = torch.nn.utils.get_total_norm([parameter.grad for parameter in live])
    norm, most = float(total), session.plan.training.grad_clip
    if not isfinite(norm):
        raise _not_finite_gradient(session, progress, positions)
    if most is not None and norm + CLIP_EPSILON > most:  # below it, clipping multiplies by 1
        torch.nn.utils.clip_grads_with_norm_(live, most, total)
    session.optimizer.step()
    return norm
