"""The training loop.

RunStarted
what the plan may not have meant                              → Warned
evaluate the untrained model on the held-out split            → Evaluated (start)
for each step of the timeline:
    measure what the freeze policies ask for                  → Measured
    where the trainable set changes:
        compare the digest of what was frozen                 → FrozenChecked
        apply the new set, move the boundary, take a digest   → PhaseStarted
        compute the frozen part of the rows to come           → Activity
    write the rates, take the rows, backward, update          → StepDone
    evaluate and select where due                             → Evaluated (progress)
    save where due                                            → Checkpointed
compare the last digest                                       → FrozenChecked
go back to the selected weights, evaluate with intervals      → Evaluated (final)
save                                                          → Checkpointed
RunEnded
"""

from collections.abc import Iterator, Mapping
from math import isnan
from pathlib import Path
from typing import Literal

from attrs import define, field

from mtlkit.contracts.events import (
    Activity,
    Checkpointed,
    Evaluated,
    Event,
    FrozenChecked,
    Measured,
    PhaseStarted,
    RunEnded,
    RunStarted,
    StepDone,
    Warned,
)
from mtlkit.contracts.progress import Measurement
from mtlkit.contracts.rows import SPLITS, SplitName
from mtlkit.engine.apply import apply_rates, apply_trainable, set_modes, trainable_objects
from mtlkit.engine.checkpoint import load_weights, save
from mtlkit.engine.digest import Digests, check_unchanged, combined, frozen_digests
from mtlkit.engine.evaluate import measures, scores, values
from mtlkit.engine.features import Reading, boundary
from mtlkit.engine.fisher import measure_importance
from mtlkit.engine.fitting import fit_heads
from mtlkit.engine.rot import decay_of, standing_heads
from mtlkit.engine.session import HELD_OUT, TRAIN, Session
from mtlkit.engine.statistics import States, asked_for, measured, references
from mtlkit.engine.step import Cursors, Outcome, rows_of_step, training_step
from mtlkit.plan.timeline import Moment


@define
class State:
    """Where the run is: cursors, metric log, the current phase and the best evaluation so far.

    `start` are the states of the first weights, for policies that compare with them; `untrained` the
    metrics before training, and `stood` the tasks whose heads were frozen under a training backbone.
    """

    cursors: Cursors = field(factory=Cursors)
    log: list[Measurement] = field(factory=list)
    phases: int = 0
    phase: str = ""
    trainable: frozenset[str] | None = None
    digests: Digests = field(factory=dict)
    best: tuple[float, str] | None = None
    start: States = field(factory=dict)
    untrained: Mapping[str, float] = field(factory=dict)
    stood: frozenset[str] = frozenset()


def train(session: Session, checkpoints: Path) -> Iterator[Event]:
    """Run the plan from its first step to its last; checkpoints go below `checkpoints`.

    Raises:
        TrainingError: when a loss is not finite or something frozen has moved.
    """
    state = State()
    total = session.timeline.total
    yield RunStarted(session.plan.name, total, tuple(session.built.heads))
    yield from (Warned(str(guard)) for guard in session.preview.guards)
    measure_importance(session)
    state.start = references(session)
    yield from _measure(session, state, 0)
    first = session.timeline.trainable(session.timeline.progress(0, state.log))
    yield from _enter_phase(session, state, 0, first)
    if session.held_out:
        first_scores = _evaluated(session, session.held_out, 0, "start")
        state.untrained = first_scores.metrics
        yield first_scores
        _restore_modes(session, state)
    for moment in session.timeline.moments(lambda: state.log):
        step = moment.progress.step
        if moment.trainable != state.trainable:
            yield _leave_phase(session, state, step)
            yield from _enter_phase(session, state, step, moment.trainable)
        yield _step(session, state, moment)
        yield from _after_step(session, state, step + 1, checkpoints)
        if step + 1 < total:
            yield from _measure(session, state, step + 1)
    yield _leave_phase(session, state, total)
    if state.best:
        load_weights(session.handles, checkpoints / state.best[1])
        session.encoder.store.forget(0)
    if session.held_out:
        final = _evaluated(session, session.held_out, total, "final")
        yield final
        yield from _rot(state, final)
    path = save(
        session, state.cursors.taken, state.log, total, checkpoints, keep=state.best and state.best[1]
    )
    yield Checkpointed(total, path)
    yield RunEnded(total)


def _measure(session: Session, state: State, step: int) -> Iterator[Measured]:
    """What the freeze policies asked for before `step`, into the metric log."""
    if not asked_for(session):
        return
    rows = rows_of_step(session, session.timeline.progress(step, state.log), state.cursors)
    for event in measured(session, step, rows, state.start):
        state.log += [Measurement(step, name, value) for name, value in event.values.items()]
        yield event
    if state.trainable is not None:
        apply_trainable(session.handles, state.trainable)


def _rot(state: State, final: Evaluated) -> Iterator[Warned]:
    """What became of the tasks whose heads stood still while the backbone trained."""
    for name, before, now in decay_of(state.stood, state.untrained, final.metrics):
        task = name.partition("/")[0]
        yield Warned(
            f"the head of task {task!r} was frozen while the backbone trained: {name} went from "
            f"{before:.3f} to {now:.3f}"
        )


def _enter_phase(
    session: Session, state: State, step: int, trainable: frozenset[str]
) -> Iterator[PhaseStarted | Warned | Activity]:
    table = session.built.table
    before = state.trainable if state.trainable is not None else trainable
    state.trainable = trainable
    state.phases += 1
    state.phase = session.timeline.phase_name(session.timeline.progress(step, state.log), state.phases)
    apply_trainable(session.handles, trainable)
    state.stood |= standing_heads(table, trainable)
    end = _phase_end(session, step)
    stored = frozenset(SPLITS if _worth_storing(session, end - step) else HELD_OUT)
    session.encoder.move_boundary(boundary(table, trainable), boundary(table, before) + 1, stored)
    state.digests = frozen_digests(session.handles, table, trainable)
    yield PhaseStarted(step, state.phase, end, len(trainable), len(table) - len(trainable))
    if not trainable:
        yield Warned(f"{state.phase}: every weight is frozen, nothing will train")
    elif TRAIN in stored:
        for readers in session.readers:
            for view, need in readers.needs().items():
                yield from session.encoder.fill(Reading(readers.source, TRAIN, view), need)


def _leave_phase(session: Session, state: State, step: int) -> FrozenChecked:
    after = frozen_digests(session.handles, session.built.table, state.trainable or frozenset())
    check_unchanged(state.digests, after, state.phase)
    return FrozenChecked(step, state.phase, combined(after), len(after))


def _step(session: Session, state: State, moment: Moment) -> StepDone:
    apply_rates(session.optimizer, moment.rates)
    done = moment.progress.step + 1
    outcome = (
        training_step(session, moment.progress, state.cursors) if moment.trainable else Outcome({}, 0.0, {})
    )
    return StepDone(
        step=done,
        epoch=done / session.timeline.steps_per_epoch,
        losses=outcome.losses,
        rates=moment.rates,
        grad_norm=outcome.grad_norm,
        rows=outcome.rows,
        penalties=outcome.penalties,
    )


def _after_step(session: Session, state: State, done: int, checkpoints: Path) -> Iterator[Event]:
    """What is due after `done` steps: evaluation on the validation rows, a checkpoint."""
    training = session.plan.training
    last = done == session.timeline.total
    improved = False
    due = _due(session, done, training.evaluate_every) or (last and session.plan.selection is not None)
    if due and any(rows.splits["validation"] for rows in session.data.values()):
        event = _evaluated(session, "validation", done, "progress")
        _restore_modes(session, state)
        state.log += [Measurement(done, name, value) for name, value in event.metrics.items()]
        improved = _improves(session, state, event)
        yield event
    if improved or (_due(session, done, training.checkpoint_every) and not last):
        best = state.best[1] if state.best else None
        path = save(session, state.cursors.taken, state.log, done, checkpoints, keep=best)
        if improved and state.best:
            state.best = (state.best[0], path.rpartition("/")[2])
        yield Checkpointed(done, path)


def _improves(session: Session, state: State, event: Evaluated) -> bool:
    """Whether the selected metric is the best so far; remembers its value."""
    selection = session.plan.selection
    if selection is None or selection.metric not in event.metrics:
        return False
    value = event.metrics[selection.metric]
    if isnan(value):  # nothing is better than it, nor worse
        return False
    if state.best is None or (value > state.best[0] if selection.mode == "max" else value < state.best[0]):
        state.best = (value, state.best[1] if state.best else "")
        return True
    return False


def _evaluated(
    session: Session, split: SplitName, step: int, purpose: Literal["start", "progress", "final"]
) -> Evaluated:
    fit_heads(session.built.model, session.readers, session.encoder)
    found = measures(session.built.model, session.readers, session.encoder, session.data, split)
    if purpose != "final":
        return Evaluated(step, split, purpose, values(found))
    scored = scores(found, session.plan.seed)
    return Evaluated(
        step,
        split,
        "final",
        metrics={name: score.value for name, score in scored.items()},
        low={name: score.low for name, score in scored.items()},
        high={name: score.high for name, score in scored.items()},
        rows={name: score.rows for name, score in scored.items()},
    )


def _restore_modes(session: Session, state: State) -> None:
    set_modes(session.built.model, trainable_objects(session.handles, state.trainable or frozenset()))


def _due(session: Session, done: int, every: object) -> bool:
    from mtlkit.contracts.duration import Duration

    if not isinstance(every, Duration):
        return False
    steps = max(1, every.steps(session.timeline.total, session.timeline.steps_per_epoch))
    return done % steps == 0


def _phase_end(session: Session, step: int) -> int:
    """Where the plan expects the phase that begins at `step` to end."""
    return next((phase.end for phase in session.preview.phases if phase.start <= step < phase.end), step)


def _worth_storing(session: Session, steps: int) -> bool:
    """Whether a phase of that many steps visits at least half of the rows."""
    visited = steps * session.plan.training.rows_per_step
    return 2 * visited >= sum(stream.rows for stream in session.streams.values())
