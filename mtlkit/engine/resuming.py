"""Going on from a checkpoint: which one, and whether it is of this run."""

from pathlib import Path

from attrs import evolve, field, frozen

from mtlkit.engine.checkpoint import Damage, folder_name, folders, newest, read
from mtlkit.engine.conditions import conditions, differences
from mtlkit.engine.session import Session
from mtlkit.engine.snapshot import Snapshot, Standing
from mtlkit.engine.writing import set_aside, sweep
from mtlkit.errors import Problem, RecipeError, ResourceError
from mtlkit.plan.changes import Leave, changes, is_allowed, unknown


@frozen(eq=False)
class Start:
    """Where a run goes on: from a snapshot, or from its beginning; the checkpoints found damaged.

    `log` says what is missing in the log.
    """

    snapshot: Snapshot | None
    damaged: tuple[Damage, ...] = ()
    about: Standing = field(factory=Standing)
    log: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know of it."""
        return (*(str(each) for each in self.damaged), *self.log, *self.about.inexact)


def fresh(session: Session) -> Start:
    """The start of a run from its beginning; called before the session's weights have changed."""
    return Start(None, (), Standing(recipe=session.plan.recipe, conditions=conditions(session)))


def find(checkpoints: Path, leave: Leave, told: int | None = None) -> Start:
    """The newest whole checkpoint; newer ones that are damaged are renamed `….damagedN`.

    `told` is the step of the newest one that the log tells of: a run may not begin anew because its
    checkpoints are gone.

    Raises:
        ResourceError: when all are damaged, or one is and that may not be.
    """
    sweep(checkpoints)
    folder, damaged = newest(checkpoints)
    if told is not None and all(folder_name(told) > each.name for each in folders(checkpoints)):
        damaged.insert(0, Damage(checkpoints / folder_name(told), ("it is missing",)))
    if damaged and folder is None:
        raise ResourceError(
            [
                *(Problem(str(each)) for each in damaged),
                Problem(
                    f"no checkpoint in {checkpoints} is whole",
                    "restore one from a backup, or start the run anew",
                ),
            ]
        )
    if damaged and not leave.damage:
        raise ResourceError([Problem(str(each)) for each in damaged])
    for each in damaged:
        if each.folder.exists():
            set_aside(each.folder)
    return Start(read(folder) if folder else None, tuple(damaged))


def admitted(session: Session, start: Start, leave: Leave) -> Start:
    """The start with what its run is under; called before the session's weights have changed.

    Raises:
        RecipeError: for every change of the recipe that is refused, or needs leave and has none, and for
            leave to change what the recipe does not have.
        ResourceError: when versions, machine or data are others and that may not be, or when the recipe
            ends before the snapshot.
    """
    about = fresh(session).about
    before = start.snapshot.standing.recipe if start.snapshot else session.plan.recipe
    if misspelt := unknown(leave.keys, before, session.plan.recipe):
        raise RecipeError(misspelt)
    if start.snapshot is None:
        return evolve(start, about=about)
    told = start.snapshot.standing
    inexact = [*told.inexact]
    found = changes(told.recipe, session.plan.recipe)
    wrong = [change for change in found if not is_allowed(change, leave.keys)]
    if wrong:
        raise RecipeError([_refusal(change.verdict, str(change), change.key) for change in wrong])
    step = start.snapshot.step
    inexact += [f"from step {step} on: {change}" for change in found if change.verdict == "allow"]
    other = list(differences(told.conditions, about.conditions))
    if other and not leave.inexact:
        raise ResourceError(
            [
                *(Problem(each) for each in other),
                Problem(
                    "the run would not end as if it had never stopped",
                    "go on where nothing differs, or pass --allow-inexact",
                ),
            ]
        )
    inexact += [f"from step {step} on: {each}" for each in other]
    snapshot = start.snapshot
    _check_length(session, snapshot)
    if told.finished and any(change.key == "training.length" for change in found):
        snapshot = _lengthened(snapshot)
    return evolve(start, snapshot=snapshot, about=evolve(about, inexact=tuple(inexact)))


def _refusal(verdict: str, change: str, key: str) -> Problem:
    if verdict == "refused":
        return Problem(
            f"{change}: another run, which can't go on from this one", "start it with `mtlkit run`"
        )
    return Problem(change, f"pass --allow {key} to go on all the same")


def _check_length(session: Session, snapshot: Snapshot) -> None:
    total = session.timeline.total
    if snapshot.step > total:
        raise ResourceError(
            f"the recipe ends after {total} steps, and the run has done {snapshot.step}",
            "set a longer training.length",
        )


def _lengthened(snapshot: Snapshot) -> Snapshot:
    """The end of a run that is to be longer, as a step like any other."""
    if snapshot.standing.best:
        raise ResourceError(
            f"{folder_name(snapshot.step)} holds the selected weights, not those of its last step",
            "start a new run with the longer training.length",
        )
    return evolve(snapshot, standing=evolve(snapshot.standing, finished=False))
