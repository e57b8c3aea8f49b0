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
    write the rates, take the rows, backward, update          → StepDone, Skipped
    evaluate and select where due                             → Evaluated (progress), Selected
    end where there have been enough evaluations              → StoppedEarly
    save where due, in the background                         → Checkpointed, of the one before
compare the last digest                                       → FrozenChecked
go back to the selected weights, evaluate with intervals      → Evaluated (final)
save                                                          → Checkpointed
RunEnded

A run that goes on from a snapshot begins with Resumed and tells from there what an uninterrupted run
tells after that step. A run that is asked to stop saves the end of its last step: Stopped is the last event.
"""

from collections.abc import Callable, Generator, Iterator
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
    Resumed,
    RunEnded,
    RunStarted,
    Skipped,
    StepDone,
    Stopped,
    StoppedEarly,
    Warned,
)
from mtlkit.contracts.progress import Measurement
from mtlkit.contracts.rows import SplitName
from mtlkit.engine.apply import apply_rates, apply_trainable, set_modes, trainable_objects
from mtlkit.engine.checkpoint import folder_name, load_weights
from mtlkit.engine.digest import Digests, check_unchanged, combined, frozen_digests, stem_digests
from mtlkit.engine.evaluate import measures, not_finite, scores, values
from mtlkit.engine.features import Reading, boundary
from mtlkit.engine.fisher import measure_importance
from mtlkit.engine.fitting import fit_heads
from mtlkit.engine.preflight import warnings_of_room
from mtlkit.engine.resuming import Start, fresh
from mtlkit.engine.rot import decay_of, rot_ends, watches
from mtlkit.engine.seeds import kept_globals, seed_globals
from mtlkit.engine.selecting import selected, stops_early
from mtlkit.engine.session import TRAIN, Session
from mtlkit.engine.snapshot import Snapshot, restore
from mtlkit.engine.standing import Mark, State, is_due, kept, phase_end, snapshot_at, stored_splits
from mtlkit.engine.statistics import asked_for, measured, references
from mtlkit.engine.step import Outcome, rows_of_step, training_step
from mtlkit.engine.stopping import Interrupted, Stop
from mtlkit.engine.torch_settings import check_settings, settings
from mtlkit.engine.writing import Saver, nothing
from mtlkit.plan.selection import RUN
from mtlkit.plan.timeline import Moment


@define
class Run:
    """What the parts of the loop hand on: the session, where it stands, and who saves and stops it.

    `before` is a copy of the end of the last step, where the weights have been replaced since.
    """

    session: Session
    saver: Saver
    stop: Stop
    state: State = field(factory=State)
    before: Snapshot | None = None

    @property
    def total(self) -> int:
        """The length of the run in steps."""
        return self.session.timeline.total

    @property
    def done(self) -> int:
        """The steps that are done."""
        return self.state.mark.step if self.state.mark else 0


def train(
    session: Session,
    checkpoints: Path,
    start: Start | None = None,
    stop: Stop | None = None,
    synced: Callable[[], None] = nothing,
) -> Generator[Event, None, None]:
    """Run the plan from its first step, or from where `start` says, to its last.

    Checkpoints go below `checkpoints`. `stop` is asked at every step whether to go on. `synced` is called
    before a checkpoint gets its name: then what was told before it was taken is to be on the disk.

    Raises:
        TrainingError: when a loss is not finite or something frozen has moved.
        ResourceError: when a checkpoint can't be written, or `start` is not of this model.
        PluginError: when a plugin breaks its contract, or changes torch for the whole process.
    """
    run = Run(session, Saver(checkpoints, session.plan.training.keep, synced), stop or Stop())
    start = start or fresh(session)
    run.state.about = start.about
    try:
        with run.stop.held(), kept_globals():
            before = settings()
            for event in _course(run, start):
                check_settings(before, f"by the end of step {run.done}")
                run.state.count(event)
                run.stop.beat()
                yield event
    finally:
        run.saver.close()


def _course(run: Run, start: Start) -> Iterator[Event]:
    try:
        with run.stop.droppable():
            seed_globals(run.session.plan.seed, "start")
            measure_importance(run.session)
            run.state.start = references(run.session)
        yield from _begin(run) if start.snapshot is None else _go_on(run, start.snapshot, start.warnings)
        if start.snapshot is None or not start.snapshot.standing.finished:
            yield from _steps(run)
            yield from _end(run)
        yield from _written(run)
        yield RunEnded(run.done)
    except Interrupted:
        yield _stopped(run)


def _begin(run: Run) -> Iterator[Event]:
    session, state = run.session, run.state
    yield RunStarted(session.plan.name, run.total, tuple(session.built.heads))
    yield from (Warned(str(guard)) for guard in session.preview.guards)
    yield from map(Warned, warnings_of_room(session, run.saver.checkpoints))
    yield from _measure(run, 0)
    first = session.timeline.trainable(session.timeline.progress(0, state.log))
    yield from _enter_phase(run, 0, first)
    if session.held_out:
        first_scores = _evaluated(run, session.held_out, 0, "start")
        state.untrained = first_scores.metrics
        yield first_scores
        yield from _not_finite(first_scores)
    if watches(session) or (session.plan.selection is not None and session.plan.selection.relative):
        yield _logged(run, 0)


def _go_on(run: Run, start: Snapshot, warnings: tuple[str, ...]) -> Iterator[Event]:
    """Be as after the steps of the snapshot.

    Everything that the first weights went into has been made anew; now they are replaced.
    """
    session, state = run.session, run.state
    restore(session.handles, session.optimizer, start)
    state.go_on(session, start)
    run.saver.announced, run.saver.last = start.standing.untold, start.step
    path = f"{run.saver.checkpoints.name}/{folder_name(start.step)}"
    yield Resumed(start.step, run.total, path, warnings)
    if start.standing.finished:
        return
    check_unchanged(state.digests, _apply(session, state, lowest_changed=0), state.phase)


def _steps(run: Run) -> Iterator[Event]:
    session, state = run.session, run.state
    first = state.mark.step if state.mark else 0
    if state.mark and state.mark.standing.pending:
        yield from _after_step(run, first)
    moments = session.timeline.moments(lambda: state.log, first)
    for step in range(first, run.total):
        if why := stops_early(session, state.log, step, first) or rot_ends(session, state.log, step, first):
            yield StoppedEarly(step, run.total, why)
            return
        if step:  # before step 0 it was done when the first phase began
            yield from _measure(run, step)
        moment = next(moments)
        if moment.trainable != state.trainable:
            yield _leave_phase(run, step)
            yield from _enter_phase(run, step, moment.trainable)
        run.stop.check()
        yield from _step(run, moment)
        state.end_step(step + 1, run.saver.announced)
        run.saver.check()
        yield from _after_step(run, step + 1)


def _end(run: Run) -> Iterator[Event]:
    session, state = run.session, run.state
    run.stop.check()
    yield _leave_phase(run, run.done)
    if chosen := state.best.get(RUN):
        run.before = _at_mark(run, state.mark) if state.mark else None
        run.saver.wait()
        load_weights(session.handles, run.saver.checkpoints / chosen[1])
        state.moved = set(session.handles.weights)
        now = frozen_digests(session.handles, session.built.table, state.trainable or frozenset())
        session.encoder.replace_weights(stem_digests(now, session.built.table))
    if session.held_out:
        final = _evaluated(run, session.held_out, run.done, "final")
        yield final
        yield from _not_finite(final)
        yield from _rot(state, final)
    yield from _save(run, run.done, finished=True)


def _stopped(run: Run) -> Stopped:
    """Save the end of the last step, unless the newest checkpoint is of it."""
    mark = run.state.mark
    if mark is None:
        return Stopped(0, "")
    run.saver.wait()
    if run.saver.last != mark.step:
        run.saver.begin(run.before or _at_mark(run, mark), kept(mark.standing))
        run.saver.wait()
    return Stopped(mark.step, f"{run.saver.checkpoints.name}/{folder_name(mark.step)}")


def _at_mark(run: Run, mark: Mark) -> Snapshot:
    return snapshot_at(run.session, run.state, mark.step, mark.standing, mark.known, run.saver.spare)


def _measure(run: Run, step: int) -> Iterator[Measured]:
    """What the freeze policies asked for before `step`, into the metric log."""
    session, state = run.session, run.state
    if not asked_for(session):
        return
    with run.stop.droppable():
        seed_globals(session.plan.seed, "measure", step)
        rows = rows_of_step(session, session.timeline.progress(step, state.log), state.cursors)
        found = list(measured(session, step, rows, state.start))
        if state.trainable is not None:
            apply_trainable(session.handles, state.trainable)
    for event in found:
        state.log += [Measurement(step, name, value) for name, value in event.values.items()]
    yield from found


def _rot(state: State, final: Evaluated) -> Iterator[Warned]:
    """What became of the tasks whose heads stood still while the backbone trained."""
    for name, before, now in decay_of(state.stood, state.untrained, final.metrics):
        task = name.partition("/")[0]
        yield Warned(
            f"the head of task {task!r} was frozen while the backbone trained: {name} went from "
            f"{before:.3f} to {now:.3f}"
        )


def _enter_phase(
    run: Run, step: int, trainable: frozenset[str]
) -> Iterator[PhaseStarted | Warned | Activity]:
    session, state, table = run.session, run.state, run.session.built.table
    before = state.trainable if state.trainable is not None else trainable
    run.saver.close()  # it may be reading what is going to train
    state.enter(session, step, trainable)
    state.digests = _apply(session, state, lowest_changed=boundary(table, before) + 1)
    end = phase_end(session, step)
    yield PhaseStarted(step, state.phase, end, len(trainable), len(table) - len(trainable))
    if not trainable:
        yield Warned(f"{state.phase}: every weight is frozen, nothing will train")
    elif TRAIN in stored_splits(session, step):
        yield from _filled(run)


def _apply(session: Session, state: State, lowest_changed: int) -> Digests:
    """Freeze and thaw as the phase says, those of depth ≥ `lowest_changed` have moved; what is frozen now."""
    table, trainable = session.built.table, state.trainable or frozenset()
    apply_trainable(session.handles, trainable)
    below = boundary(table, trainable)
    session.encoder.move_boundary(below, lowest_changed, stored_splits(session, state.entered))
    frozen = frozen_digests(session.handles, table, trainable)
    session.encoder.stems = stem_digests(frozen, table)
    return frozen


def _filled(run: Run) -> Iterator[Activity]:
    """Compute what the store will be asked for; a run that goes on computes it when it is asked."""
    for readers in run.session.readers:
        for view, need in readers.needs().items():
            work = run.session.encoder.fill(Reading(readers.source, TRAIN, view), need)
            while True:
                with run.stop.droppable():
                    done = next(work, None)
                if done is None:
                    break
                yield done


def _leave_phase(run: Run, step: int) -> FrozenChecked:
    session, state = run.session, run.state
    after = frozen_digests(session.handles, session.built.table, state.trainable or frozenset())
    check_unchanged(state.digests, after, state.phase)
    return FrozenChecked(step, state.phase, combined(after), len(after))


def _step(run: Run, moment: Moment) -> Iterator[StepDone | Skipped]:
    session = run.session
    seed_globals(session.plan.seed, "step", moment.progress.step)
    apply_rates(session.optimizer, moment.rates)
    done = moment.progress.step + 1
    outcome = (
        training_step(session, moment.progress, run.state.cursors)
        if moment.trainable
        else Outcome({}, 0.0, {})
    )
    yield StepDone(
        step=done,
        epoch=done / session.timeline.steps_per_epoch,
        losses=outcome.losses,
        rates=moment.rates,
        grad_norm=outcome.grad_norm,
        rows=outcome.rows,
        penalties=outcome.penalties,
    )
    if outcome.skipped:
        yield Skipped(done, outcome.skipped)


def _after_step(run: Run, done: int) -> Iterator[Event]:
    """What is due after `done` steps: evaluation on the validation rows, a checkpoint."""
    session, state, training = run.session, run.state, run.session.plan.training
    last = done == run.total
    improved = False
    due = is_due(session, done, training.evaluate_every) or (last and session.plan.selection is not None)
    if due and any(rows.splits["validation"] for rows in session.data.values()):
        measured_now = _logged(run, done)
        yield measured_now
        yield from _not_finite(measured_now)
        for event in selected(session, state.log, done, run.saver.checkpoints.name):
            if event.path:
                state.best[event.of] = (event.score, folder_name(done))
                improved = True
            yield event
    if improved or (is_due(session, done, training.checkpoint_every) and not last):
        yield from _save(run, done)


def _logged(run: Run, done: int) -> Evaluated:
    """Evaluate the validation rows, and put the metrics into the log."""
    event = _evaluated(run, "validation", done, "progress")
    run.state.log += [Measurement(done, name, value) for name, value in event.metrics.items()]
    return event


def _not_finite(event: Evaluated) -> Iterator[Warned]:
    return map(Warned, not_finite(event.metrics, event.step, event.split))


def _save(run: Run, done: int, *, finished: bool = False) -> Iterator[Checkpointed]:
    """Copy what may change and begin to write all; that is told when it is known to be written."""
    yield from _written(run)
    standing, known = run.state.standing(done, finished=finished), len(run.state.log)
    copy = snapshot_at(run.session, run.state, done, standing, known, run.saver.spare, shared=True)
    run.saver.begin(copy, kept(standing))


def _written(run: Run) -> Iterator[Checkpointed]:
    """The checkpoint that was begun last, once it is written and verified."""
    step = run.saver.finish()
    if step is not None:
        yield Checkpointed(step, f"{run.saver.checkpoints.name}/{folder_name(step)}")


def _evaluated(
    run: Run, split: SplitName, step: int, purpose: Literal["start", "progress", "final"]
) -> Evaluated:
    session = run.session
    with run.stop.droppable():
        seed_globals(session.plan.seed, "evaluation", step, purpose)
        fit_heads(session.built.model, session.readers, session.encoder)
        found = measures(session.built.model, session.readers, session.encoder, session.data, split)
        trainable = trainable_objects(session.handles, run.state.trainable or frozenset())
        set_modes(session.built.model, trainable)
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
