"""What evaluations in training decide: which weights are kept, and whether there have been enough."""

from collections.abc import Iterator, Sequence

from mtlkit.contracts.events import Selected
from mtlkit.contracts.progress import Measurement
from mtlkit.engine.checkpoint import folder_name
from mtlkit.engine.session import Session
from mtlkit.plan.selection import RUN, best, enough, objective_of, objectives


def selected(session: Session, log: Sequence[Measurement], done: int, checkpoints: str) -> Iterator[Selected]:
    """Of what the evaluation after `done` steps, the last of the log, is the best so far.

    The path is that of the checkpoint below `checkpoints` that has to be kept for it, empty where none has.
    """
    selection = session.plan.selection
    for of, objective in objectives(session.plan).items():
        found = best(objective, log)
        if found is None or found.step != done:
            continue
        keeps = of == RUN or (selection is not None and selection.each_task)
        path = f"{checkpoints}/{folder_name(done)}" if keeps else ""
        yield Selected(done, of, str(objective), found.score, path)


def stops_early(session: Session, log: Sequence[Measurement], step: int, first: int) -> str:
    """Why the run ends before `step`, empty where it goes on.

    Asked before every step, it looks only where something has just been measured, or the run goes on.
    """
    selection = session.plan.selection
    if selection is None or not (step == first or (log and log[-1].step == step)):
        return ""
    if not enough(selection, log):
        return ""
    times = "1 evaluation" if selection.patience == 1 else f"{selection.patience} evaluations in a row"
    by = f" by more than {selection.min_delta:g}" if selection.min_delta else ""
    return f"{objective_of(selection)} was no better{by} in {times}"
