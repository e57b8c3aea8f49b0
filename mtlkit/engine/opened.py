"""A finished run, opened: its model with the weights of a checkpoint, to predict and to evaluate.

Neither the training data nor pre-trained weights are read: the plan, what the heads were built with and a
checkpoint say it all. Of the backbone only its configuration and tokenizer are needed.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from attrs import define

from mtlkit.contracts.columns import meant
from mtlkit.contracts.data import Record
from mtlkit.contracts.rows import SPLITS, SplitName
from mtlkit.engine.apply import Handles, set_eval
from mtlkit.engine.build import Built, build_unloaded, make
from mtlkit.engine.checkpoint import PREFIX, best_of, folders, load_weights
from mtlkit.engine.evaluate import Score, measures, predicted, scores
from mtlkit.engine.features import Encoder
from mtlkit.engine.given import GIVEN, as_rows, check_rows, labelled, named, read_like
from mtlkit.engine.head_facts import Facts, read_facts
from mtlkit.engine.heads import Readers
from mtlkit.engine.rows import Rows
from mtlkit.errors import ResourceError, UsageError, blaming
from mtlkit.plan.model import Plan
from mtlkit.plan.selection import RUN

HELD_OUT: tuple[SplitName, ...] = ("test", "validation")
WINDOW = 4096
CHECKPOINTS = "checkpoints"


@define(eq=False)
class Run:
    """A run whose model is loaded from `checkpoint`; what `mtlkit.open_run` gives."""

    folder: Path
    checkpoint: Path
    plan: Plan
    facts: Facts
    built: Built
    handles: Handles
    device: torch.device

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks, in the order of the recipe."""
        return tuple(self.built.heads)

    def predict(self, task: str, rows: Sequence[Record]) -> list[Any]:
        """The task's prediction for each row, in order.

        A row has the columns that the head reads; others are ignored. Rows are encoded in batches of like
        length, which changes no prediction.

        Raises:
            UsageError: when there is no such task.
            DataError: when a row lacks a column, or has text where the task reads lists or the reverse.
        """
        return self.predict_all(rows, (task,))[task]

    def predict_all(self, rows: Sequence[Record], tasks: Sequence[str] = ()) -> dict[str, list[Any]]:
        """The same of several tasks, by default all, in one pass: what they read alike is encoded once."""
        tasks = self.chosen(tasks)
        rows = named(rows, self.plan, tasks)
        check_rows(rows, self.facts, tasks)
        found: dict[str, list[Any]] = {task: [] for task in tasks}
        for start in range(0, len(rows), WINDOW):
            part = rows[start : start + WINDOW]
            for task, predictions in self._window(part, tasks).items():
                found[task] += predictions
        return found

    def evaluate(
        self,
        split: SplitName | None = None,
        tasks: Sequence[str] = (),
        data: Path | str | Sequence[Record] | None = None,
    ) -> tuple[str, dict[str, Score]]:
        """What was evaluated, and `TASK/METRIC` → value with its 95 % bootstrap interval.

        Of the run's own data the split is by default what its final table is about: test where there are such
        rows, else validation. `data` are other rows in place of it, or a file of such rows that is read as
        the tasks' data source reads its own, all of it: `where`, `split` and `limit` are not asked.

        Raises:
            UsageError: when there is no such task, no row in the split, or the tasks of a file read several
                sources.
            RecipeError, DataError, ResourceError: as reading the data of a run does.
        """
        tasks = self.chosen(tasks)
        if data is not None:
            if isinstance(data, str | Path):
                records = read_like(self.plan, tasks, Path(data))
            else:
                records = labelled(named(data, self.plan, tasks), self.plan, tasks)
            check_rows(records, self.facts, tasks)
            return GIVEN, self._scores({GIVEN: as_rows(records)}, dict.fromkeys(tasks, GIVEN), "test")
        sources = {task: self.plan.task(task).data for task in tasks}
        plans = [each for each in self.plan.data if each.name in sources.values()]
        rows = {each.name: Rows.load(make(each.source), each.rows, each.name) for each in plans}
        known = [one for one in SPLITS if any(each.splits[one] for each in rows.values())]
        asked = split if split is not None else next((one for one in HELD_OUT if one in known), HELD_OUT[0])
        if asked not in known:
            raise UsageError(f"there are no {asked} rows", f"there are {' and '.join(known)} rows")
        return asked, self._scores(rows, sources, asked)

    def chosen(self, tasks: Sequence[str]) -> tuple[str, ...]:
        """These tasks, all of them where none is named.

        Raises:
            UsageError: when there is no such task.
        """
        for task in tasks:
            if task not in self.built.heads:
                raise UsageError(f"there is no task {task!r}", meant(task, self.tasks, "the tasks are"))
        return tuple(dict.fromkeys(tasks)) or self.tasks

    def _window(self, rows: Sequence[Record], tasks: Sequence[str]) -> dict[str, list[Any]]:
        data = {GIVEN: as_rows(rows)}
        reading = Readers(GIVEN, {task: self.built.heads[task] for task in tasks})
        # Not in the precision of the run: in bfloat16 a prediction would depend on the batch that it is in.
        encoder = self._encoder(data, [reading], "fp32")
        set_eval(self.built.model)
        found = predicted(reading, encoder, "test", len(rows))
        for task, head in reading.heads.items():
            if hasattr(head, "present"):
                with blaming(f"the head of task {task!r}", "present"):
                    found[task] = head.present(found[task], rows)
        return found

    def _scores(
        self, rows: Mapping[str, Rows], sources: Mapping[str, str], split: SplitName
    ) -> dict[str, Score]:
        readers = [
            Readers(
                name, {task: self.built.heads[task] for task, source in sources.items() if source == name}
            )
            for name in rows
        ]
        encoder = self._encoder(rows, readers, self.plan.training.precision)
        return scores(measures(self.built.model, readers, encoder, rows, split), self.plan.seed)

    def _encoder(self, data: Mapping[str, Rows], readers: Sequence[Readers], precision: str) -> Encoder:
        located = frozenset((each.source, view) for each in readers for view in each.located())
        return Encoder(
            backbone=self.built.backbone,
            data=data,
            boundaries=(),
            precision=precision,
            device=self.device,
            located=located,
        )


def open_run(plan: Plan, folder: Path, checkpoint: Path) -> Run:
    """Build the model of a plan and load a checkpoint into it.

    Raises:
        ResourceError: when something of the run directory is missing, damaged or of another model.
    """
    facts = read_facts(plan, folder)
    built = build_unloaded(plan, {task: each.labels for task, each in facts.items()})
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for _, part in built.model.parts():
        part.to(device)
    handles = Handles.of(built.model)
    load_weights(handles, checkpoint)
    set_eval(built.model)
    return Run(folder, checkpoint, plan, facts, built, handles, device)


def checkpoint_of(folder: Path, which: str) -> Path:
    """The folder of a checkpoint: "best", "last", a number of steps, or a task, of which it is the best.

    "best" is that of the selected evaluation; where the run has no selection, the last one. A run that has
    ended has gone back to the selected weights, so its last checkpoint holds them too.

    Raises:
        ResourceError: when there is none.
        UsageError: when `which` is none of these.
    """
    found = {int(path.name.removeprefix(PREFIX)): path for path in folders(folder / CHECKPOINTS)}
    if not found:
        raise ResourceError(
            f"there is no checkpoint in {folder}", "name the directory of a run that has some"
        )
    last = found[max(found)]
    if which == "last":
        return last
    if which.isdecimal():
        if int(which) not in found:
            steps = ", ".join(str(step) for step in sorted(found))
            raise ResourceError(f"there is no checkpoint of {which} steps in {folder}", f"there are {steps}")
        return found[int(which)]
    best = best_of(last)
    if which == "best":
        return _kept(found.values(), best.get(RUN, last.name), last)
    if which not in best:
        kept = ", ".join(name for name in best if name != RUN)
        also = f", or a task of which the best is kept: {kept}" if kept else ""
        raise UsageError(f"{which!r} is no checkpoint", f"write best, last or a number of steps{also}")
    return _kept(found.values(), best[which], last)


def _kept(folders: Collection[Path], name: str, told_by: Path) -> Path:
    for folder in folders:
        if folder.name == name:
            return folder
    raise ResourceError(
        f"{told_by.name} names {name!r} as the best checkpoint, and it is not there",
        "choose another --checkpoint",
    )
