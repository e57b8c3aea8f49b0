"""Measuring what policies and schedules ask for: gradients, importance and similarity, at stated steps."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from mtlkit.contracts.backbone import Splittable
from mtlkit.contracts.events import Measured
from mtlkit.contracts.params import BACKBONE
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.statistics import Statistic, logged_as
from mtlkit.engine.apply import apply_trainable, set_eval
from mtlkit.engine.features import Reading
from mtlkit.engine.seeds import derive, permutation
from mtlkit.engine.session import TRAIN, Session
from mtlkit.errors import Problem, RecipeError

PROBE_ROWS = 64
States = Mapping[int, Tensor]
Positions = Mapping[str, Sequence[int]]


def asked_for(session: Session) -> tuple[Statistic, ...]:
    """What the freeze policies and the schedule of a run want measured, each once."""
    parts = (*session.plan.freeze, session.plan.lr)
    asked = (each for part in parts for each in part.options.statistics())
    return tuple(dict.fromkeys(asked))


def references(session: Session) -> States:
    """The states that `similarity` compares with: those of the weights as they are now.

    Raises:
        RecipeError: when it is asked for and the backbone can't be split.
    """
    if all(each.name != "similarity" for each in asked_for(session)):
        return {}
    if not isinstance(session.built.backbone, Splittable):
        message = (
            f"the backbone {session.plan.backbone.name!r} can't be split, so its layers can't be compared"
        )
        raise RecipeError(Problem(message, "choose a freeze policy that needs no similarity", "freeze"))
    return _states(session)


def measured(
    session: Session, step: int, rows: Mapping[str, Sequence[int]], start: States
) -> Iterator[Measured]:
    """Every statistic that is due before `step`, from the rows of that step; leaves everything frozen."""
    progress = session.timeline.progress(step)
    due = [each for each in asked_for(session) if _due(each, progress)]
    if not due:
        return
    needed = frozenset(row.name for row in session.built.table if row.trainable)
    apply_trainable(session.handles, needed)
    set_eval(session.built.model)
    with session.encoder.without_store():
        gradients = _gradients(session, rows) if any(each.name != "similarity" for each in due) else {}
        for each in due:
            values = (
                _similarities(session, start)
                if each.name == "similarity"
                else _reduced(session, each, gradients)
            )
            yield Measured(
                step, each.name, {logged_as(each.name, key): value for key, value in values.items()}
            )
    apply_trainable(session.handles, frozenset())


def _due(statistic: Statistic, progress: Progress) -> bool:
    if statistic.every is None:
        return progress.step == 0
    return progress.step % max(1, progress.steps(statistic.every)) == 0


def _gradients(session: Session, rows: Positions) -> dict[str, Tensor]:
    """The gradient of every weight of the backbone that has one, by name."""
    names = [row.name for row in session.built.table if row.trainable and row.owner == BACKBONE]
    parameters = [session.handles.parameters(name)[0] for name in names]
    loss = torch.zeros((), device=session.device)
    for readers in session.readers:
        positions = rows.get(readers.source, ())
        if not positions:
            continue
        seed = derive(session.plan.seed, "statistics")
        taken = readers.take(session.encoder, TRAIN, positions, seed, labelled=True)
        outputs = readers.outputs(session.encoder, taken)
        for task, head in readers.heads.items():
            term = head.loss(outputs[task].float(), taken.targets[task])
            if term.count:
                loss = loss + session.plan.task(task).weight * term.sum / term.count
    if not loss.requires_grad or not parameters:
        return {}
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    return {name: gradient for name, gradient in zip(names, found, strict=True) if gradient is not None}


def _reduced(session: Session, statistic: Statistic, gradients: Mapping[str, Tensor]) -> dict[str, float]:
    squares = {name: float(gradient.abs().square().sum()) for name, gradient in gradients.items()}
    rows = {row.name: row for row in session.built.table if row.name in squares and row.numel}
    if statistic.name == "importance":
        return {name: squares[name] / row.numel for name, row in rows.items()}
    found: dict[str, float] = {}
    for depth in sorted({row.depth for row in rows.values()}):
        names = [name for name, row in rows.items() if row.depth == depth]
        norm = sum(squares[name] for name in names) ** 0.5
        if statistic.name == "relative-gradient":
            sizes = (session.handles.parameters(name)[0].detach() for name in names)
            norm /= max(sum(float(size.abs().square().sum()) for size in sizes) ** 0.5, 1e-12)
        found[str(depth)] = norm
    return found


def _similarities(session: Session, start: States) -> dict[str, float]:
    now = _states(session)
    return {str(depth): linear_cka(states, start[depth]) for depth, states in now.items()}


def _states(session: Session) -> dict[int, Tensor]:
    """By depth, the states [N, H] of N probe rows after that layer, averaged over tokens."""
    found: dict[int, list[Tensor]] = {}
    set_eval(session.built.model)
    for readers in session.readers:
        view = next(iter(readers.needs()))
        count = len(session.data[readers.source].splits[TRAIN])
        order = permutation(count, session.plan.seed, "probe", readers.source)[:PROBE_ROWS].tolist()
        for depth in range(session.built.backbone.depth + 1):
            states = session.encoder.states_after(Reading(readers.source, TRAIN, view), order, depth)
            found.setdefault(depth, []).append(states)
    return {depth: torch.cat(states) for depth, states in found.items()}


def linear_cka(one: Tensor, other: Tensor) -> float:
    """Linear CKA of two sets of states [N, H], in [0, 1]; 1 where one of them does not vary at all."""
    x, y = (states.double() - states.double().mean(0) for states in (one, other))
    scale = torch.linalg.matrix_norm(x.T @ x) * torch.linalg.matrix_norm(y.T @ y)
    return float((x.T @ y).square().sum() / scale) if scale > 0 else 1.0
