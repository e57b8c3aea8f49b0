"""Where a run stands: what changes from step to step beside the weights, and how a resume finds it again."""

from collections.abc import Callable, Collection, Mapping

from attrs import define, field, frozen

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.events import Activity, Event, Resumed, StepDone, Stopped, Warned
from mtlkit.contracts.params import BACKBONE
from mtlkit.contracts.progress import Measurement
from mtlkit.contracts.rows import SPLITS, SplitName
from mtlkit.engine.digest import Digests
from mtlkit.engine.session import HELD_OUT, Session
from mtlkit.engine.snapshot import Snapshot, Spare, Standing, take
from mtlkit.engine.spans import spanned
from mtlkit.engine.statistics import States
from mtlkit.engine.step import Cursors
from mtlkit.plan.batches import rows_per_step
from mtlkit.plan.rot import standing_heads

UNCOUNTED = (StepDone, Activity, Warned, Resumed, Stopped)
"""Events that have no place in the order of a run: logs may leave them out, or anyone add some."""


@frozen
class Mark:
    """The end of a step: with the weights as they are then, all that a snapshot of it needs."""

    step: int
    known: int
    standing: Standing


@define
class State:
    """Cursors, metric log, the current phase and the best evaluations so far.

    `start` are the states of the first weights, for policies that compare with them; `untrained` the
    metrics before training, and `stood` the tasks whose heads were frozen under a training backbone.
    `told` counts the events told so far that have a place in the order of the run, `mark` is the end of
    the last step, and `about` what no step changes. `moved` are the weights that trained since the last
    snapshot was taken.
    """

    about: Standing = field(factory=Standing)
    cursors: Cursors = field(factory=Cursors)
    log: list[Measurement] = field(factory=list)
    phases: int = 0
    phase: str = ""
    entered: int = 0
    trainable: frozenset[str] | None = None
    digests: Digests = field(factory=dict)
    best: dict[str, tuple[float, str]] = field(factory=dict)
    start: States = field(factory=dict)
    untrained: Mapping[str, float] = field(factory=dict)
    stood: frozenset[str] = frozenset()
    told: int = 0
    mark: Mark | None = None
    moved: set[str] = field(factory=set)

    def count(self, event: Event) -> None:
        """Count an event that is told."""
        self.told += not isinstance(event, UNCOUNTED)

    def standing(self, untold: int | None, *, pending: bool = False, finished: bool = False) -> Standing:
        """The state as a snapshot keeps it; what can be found again from the plan is not in it."""
        return Standing(
            pending=pending,
            finished=finished,
            told=self.told,
            untold=untold,
            best=dict(self.best),
            untrained=self.untrained,
            digests=self.digests,
            recipe=self.about.recipe,
            conditions=self.about.conditions,
            inexact=self.about.inexact,
        )

    def end_step(self, done: int, untold: int | None) -> None:
        """Mark the end of a step; what is due after it is pending."""
        self.moved |= self.trainable or frozenset()
        self.mark = Mark(done, len(self.log), self.standing(untold, pending=True))

    def enter(self, session: Session, step: int, trainable: frozenset[str]) -> None:
        """A phase begins before `step`."""
        self.trainable, self.entered = trainable, step
        self.phases += 1
        self.phase = session.timeline.phase_name(session.timeline.progress(step, self.log), self.phases)
        self.stood |= standing_heads(session.built.table, trainable)

    def go_on(self, session: Session, snapshot: Snapshot) -> None:
        """Be as after the steps of the snapshot: the phases are found by walking the timeline to there."""
        told = snapshot.standing
        self.cursors = Cursors(dict(snapshot.cursors))
        self.log = list(snapshot.log)
        self.best, self.untrained = dict(told.best), told.untrained
        self.told, self.digests = told.told, told.digests
        for step in range(snapshot.step):
            trainable = session.timeline.trainable(session.timeline.progress(step, self.log))
            if trainable != self.trainable:
                self.enter(session, step, trainable)
        self.mark = Mark(snapshot.step, len(self.log), told)


@spanned("saving")
def snapshot_at(
    session: Session,
    state: State,
    step: int,
    standing: Standing,
    known: int,
    spare: Callable[[Collection[str], Collection[str]], Spare],
    *,
    shared: bool = False,
) -> Snapshot:
    """A copy of everything, of the metric log the first `known` entries.

    What of the backbone has been frozen since the last snapshot is as it was then: that is proved at the end
    of the phase. Heads may have been fitted meanwhile. `shared` leaves what is frozen of the backbone
    uncopied: until the snapshot is written, nothing may thaw or replace it.
    """
    backbone = frozenset(row.name for row in session.built.table if row.owner == BACKBONE)
    still = backbone - (state.trainable or frozenset()) if shared else frozenset()
    copy = take(
        session.handles,
        session.optimizer,
        step,
        state.cursors.taken,
        state.log[:known],
        standing,
        spare(backbone - state.moved, still),
    )
    state.moved = set()
    return copy


def kept(standing: Standing) -> set[str]:
    """Checkpoints that are kept for their metrics."""
    return {name for _, name in standing.best.values()}


def is_due(session: Session, done: int, every: Duration | None) -> bool:
    """Whether what is done every so often is due after `done` steps."""
    if every is None:
        return False
    steps = max(1, every.steps(session.timeline.total, session.timeline.steps_per_epoch))
    return done % steps == 0


def phase_end(session: Session, step: int) -> int:
    """Where the plan expects the phase that begins at `step` to end."""
    return next((phase.end for phase in session.preview.phases if phase.start <= step < phase.end), step)


def stored_splits(session: Session, step: int) -> frozenset[SplitName]:
    """The splits worth storing in the phase that begins at `step`: training rows if half are visited."""
    rows = {name: stream.rows for name, stream in session.streams.items()}
    visited = (phase_end(session, step) - step) * rows_per_step(session.plan, rows)
    worth = 2 * visited >= sum(rows.values())
    return frozenset(SPLITS if worth else HELD_OUT)
