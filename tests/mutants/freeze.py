"""Freeze policies with one plausible mistake each, and odd ones without any."""

import os
import re
from typing import Annotated, ClassVar

from annotated_types import Ge, Le
from attrs import field, frozen

from mtlkit import Card, Duration, FreezePolicy, ParamTable, Progress, Row
from mtlkit.contracts.globs import Glob
from mtlkit.contracts.options import option
from mtlkit.contracts.selectors import parse

EPOCH = Duration(1.0, "ep")
ANSWERS: dict[str, bool] = {}
FURTHEST: list[int] = []


@frozen
class FirstNameOnly(FreezePolicy):
    """Globs are held against the canonical name alone."""

    names: tuple[str, ...] = option("globs of frozen weights", ("*.bias",))

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return not any(Glob(each).matches(row.name) for each in self.names)

    def patterns(self) -> tuple[str, ...]:
        return tuple(each for each in self.names if "." in each)


@frozen
class AsksOften(FreezePolicy):
    """Counts its calls instead of reading the clock."""

    every: Annotated[int, Ge(1)] = option("calls that a stage lasts", 3)
    calls: list[int] = field(factory=list, init=False, eq=False)

    def phase(self, progress: Progress) -> int:
        self.calls.append(progress.step)
        return len(self.calls) // self.every

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or table.depth - row.depth < int(phase)


@frozen
class RemembersStep(FreezePolicy):
    """Keeps phases by step, though they depend on the length of the run too."""

    after: Duration = option("when the backbone thaws", Duration(50.0, "%"))
    known: dict[int, int] = field(factory=dict, init=False, eq=False)

    def phase(self, progress: Progress) -> int:
        return self.known.setdefault(progress.step // 2, int(progress.reached(self.after)))

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or phase == 1


@frozen
class RemembersTable(FreezePolicy):
    """Keeps what it knows of a table under an address that another table may get."""

    layers: Annotated[int, Ge(0)] = option("frozen blocks counted from the output", 1)
    known: dict[int, int] = field(factory=dict, init=False, eq=False)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        last = self.known.setdefault(id(table), table.depth - self.layers)
        return row.role != "block" or row.depth <= last


@frozen
class RemembersName(FreezePolicy):
    """Keeps answers by name for all models of the process."""

    layers: Annotated[int, Ge(0)] = option("frozen blocks counted from the output", 1)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        if row.name not in ANSWERS:
            ANSWERS[row.name] = row.role != "block" or row.depth <= table.depth - self.layers
        return ANSWERS[row.name]


@frozen
class NeverGoesBack(FreezePolicy):
    """Remembers for the whole process how far any run has come."""

    def phase(self, progress: Progress) -> int:
        FURTHEST.append(progress.step)
        return int(max(FURTHEST) >= 10)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or phase == 1


@frozen
class ForgetsFinal(FreezePolicy):
    """Says nothing of what follows the last block."""

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        if row.role in ("embeddings", "block"):
            return False
        if row.role == "head":
            return True
        return None  # type: ignore[return-value]


@frozen
class Truthy(FreezePolicy):
    """Answers with a number."""

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.trainable and row.depth  # type: ignore[return-value]


@frozen
class EpochAsPhase(FreezePolicy):
    """The phase is a fraction."""

    def phase(self, progress: Progress) -> int:
        return progress.epoch  # type: ignore[return-value]

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or int(phase) > 0


@frozen
class ThreeStages(FreezePolicy):
    """Looks up a stage that there is not, once the run is over."""

    every: Duration = option("how long a stage lasts", EPOCH)

    def phase(self, progress: Progress) -> str:
        return ("heads", "final", "all")[
            min(progress.step, progress.total) // max(1, progress.steps(self.every))
        ]

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return phase == "all" or row.role in ("head", phase)


@frozen
class ShareDone(FreezePolicy):
    """Divides by the length of the run."""

    def phase(self, progress: Progress) -> int:
        return int(progress.step / progress.total > 0.5)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or phase == 1


@frozen
class WideOnly(FreezePolicy):
    """Reads the first number of a shape that may have none."""

    width: Annotated[int, Ge(1)] = option("rows of a matrix that trains", 4)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or row.shape[0] >= self.width


@frozen
class MeanSize(FreezePolicy):
    """Divides by the size of a weight."""

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or max(row.shape, default=1) / row.numel <= 1


@frozen
class Substring(FreezePolicy):
    """Freezes every weight whose name contains the pattern."""

    names: tuple[str, ...] = option("weights that are frozen", ("encoder.layer.1",))

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return not any(each in name for each in self.patterns() for name in row.names)

    def patterns(self) -> tuple[str, ...]:
        return tuple(each for each in self.names if "." in each)


@frozen
class Expression(FreezePolicy):
    """Reads a glob as a regular expression without an end."""

    names: tuple[str, ...] = option("weights that are frozen", ("backbone.encoder.layer.1.*",))

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return not any(
            re.match(each.replace("*", ".*"), name) for each in self.patterns() for name in row.names
        )

    def patterns(self) -> tuple[str, ...]:
        return tuple(each for each in self.names if "." in each and "[" not in each and each[0] != "*")


@frozen
class NumberInName(FreezePolicy):
    """Reads the number of a block out of its name instead of its depth."""

    layers: Annotated[int, Ge(0)] = option("frozen blocks", 2)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        number = re.search(r"layer\.(\d+)", row.name)
        return row.role != "block" or number is None or int(number[1]) >= self.layers


@frozen
class Undeclared(FreezePolicy):
    """Does not say that an option is a pattern."""

    freeze: str = option("a selector of what is frozen", "*.bias")

    def __attrs_post_init__(self) -> None:
        parse(self.freeze)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return not parse(self.freeze).matches(row, table)


@frozen
class HeadsLast(FreezePolicy):
    """Trains nothing in its first stage and does not say so."""

    after: Duration = option("when the heads thaw", EPOCH)

    def phase(self, progress: Progress) -> int:
        return int(progress.reached(self.after))

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" and phase == 1


@frozen
class LowerHalf(FreezePolicy):
    """Counts the rows of all heads when it halves the model."""

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return table.rows.index(row) >= len(table) // 2


@frozen
class OneAtATime(FreezePolicy):
    """Thaws one block and freezes the one before, and declares that it only thaws."""

    monotone: ClassVar[bool] = True
    every: Duration = option("how long a block trains", EPOCH)

    def phase(self, progress: Progress) -> int:
        return progress.step // max(1, progress.steps(self.every))

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or table.depth - row.depth == int(phase)


@frozen
class LatestScore(FreezePolicy):
    """Thaws above a score, freezes again below it, and declares that it only thaws."""

    monotone: ClassVar[bool] = True
    metric: str = option("the metric", "news/accuracy")
    above: float = option("the score", 0.5)

    def phase(self, progress: Progress) -> int:
        values = [
            each.value for each in progress.metrics if each.metric == self.metric and each.value == each.value
        ]
        return int(bool(values) and values[-1] > self.above)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or phase == 1


@frozen
class OneLate(FreezePolicy):
    """Thaws one step after it should."""

    after: Duration = option("when the backbone thaws", EPOCH)

    def phase(self, progress: Progress) -> int:
        return int(progress.step > progress.steps(self.after))

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or phase == 1


@frozen
class OnTheDot(FreezePolicy):
    """Thaws at the step that is meant, and only there."""

    after: Duration = option("when the backbone thaws", EPOCH)

    def phase(self, progress: Progress) -> int:
        return int(progress.step == progress.steps(self.after))

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or phase == 1


@frozen
class Hundred(FreezePolicy):
    """Has a number of steps in its code."""

    def phase(self, progress: Progress) -> int:
        return min(progress.step // 100, 3)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or table.depth - row.depth < int(phase)


@frozen
class RankZero(FreezePolicy):
    """Trains the backbone on the first rank."""

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or os.environ.get("RANK", "0") == "0"


@frozen
class WaitsForWorse(FreezePolicy):
    """Counts a NaN as an evaluation that did not improve."""

    metric: str = option("the metric", "news/accuracy")
    patience: Annotated[int, Ge(1)] = option("evaluations without improvement", 2)

    def phase(self, progress: Progress) -> int:
        best, stale, stages, seen = float("-inf"), 0, 0, set[int]()
        for each in progress.metrics:
            if each.metric != self.metric or each.step in seen:
                continue
            seen.add(each.step)
            if each.value > best:
                best, stale = each.value, 0
            elif (stale := stale + 1) == self.patience:
                stages, stale = stages + 1, 0
        return stages

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or table.depth - row.depth < int(phase)


@frozen
class CountsEntries(FreezePolicy):
    """Counts entries of the log, those of repeated evaluations included."""

    evaluations: Annotated[int, Ge(1)] = option("evaluations that a stage lasts", 2)

    def phase(self, progress: Progress) -> int:
        return sum(each.value == each.value for each in progress.metrics) // self.evaluations

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or table.depth - row.depth < int(phase)


@frozen
class LastEntry(FreezePolicy):
    """Reads the last entry of a log that may be empty."""

    below: float = option("the loss below which the backbone thaws", 0.3)

    def phase(self, progress: Progress) -> int:
        return int(progress.metrics[-1].value < self.below)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or phase == 1


@frozen
class NotAbove(FreezePolicy):
    """Thaws where the loss is not above a bound, which is true of NaN."""

    metric: str = option("the metric", "news/loss")
    below: float = option("the loss below which the backbone thaws", 0.3)

    def phase(self, progress: Progress) -> int:
        values = [each.value for each in progress.metrics if each.metric == self.metric]
        return int(any(not value > self.below for value in values))

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or phase == 1


@frozen
class WholeEpochs(FreezePolicy):
    """Cuts half an epoch off."""

    after: Duration = option("when the backbone thaws", Duration(1.5, "ep"))

    def phase(self, progress: Progress) -> int:
        if self.after.unit == "ep":
            return int(progress.step >= int(self.after.amount) * progress.steps_per_epoch)
        return int(progress.reached(self.after))

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or phase == 1


@frozen
class NoPercent(FreezePolicy):
    """Takes everything but epochs for steps."""

    after: Duration = option("when the backbone thaws", Duration(10.0, "%"))

    def phase(self, progress: Progress) -> int:
        scale = progress.steps_per_epoch if self.after.unit == "ep" else 1
        return int(progress.step >= self.after.amount * scale)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or phase == 1


@frozen
class AsksLastPhase(FreezePolicy):
    """Takes the moment it was last asked about for the one that is meant."""

    after: Duration = option("when the backbone thaws", EPOCH)
    now: list[bool] = field(factory=lambda: [False], init=False, eq=False)

    def phase(self, progress: Progress) -> int:
        self.now[0] = progress.reached(self.after)
        return int(self.now[0])

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or self.now[0]


@frozen
class TaskAsText(FreezePolicy):
    """Returns a string where a tuple of tasks is meant."""

    task: str = option("the task whose head is frozen", "news")

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.owner != self.task

    def tasks(self) -> tuple[str, ...]:
        return self.task  # type: ignore[return-value]


@frozen
class TaskUnsaid(FreezePolicy):
    """Does not say that an option is a task."""

    task: str = option("the task whose head is frozen", "news")

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role != "head" or row.owner != self.task


@frozen
class TaskPrefix(FreezePolicy):
    """Freezes the heads of all tasks that begin alike."""

    task: str = option("the task whose head is frozen", "news")

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return not row.name.startswith(f"heads.{self.task}")

    def tasks(self) -> tuple[str, ...]:
        return (self.task,)


@frozen
class TaskInSelector(FreezePolicy):
    """Declares its selectors, but not the tasks in them."""

    freeze: str = option("a selector of what is frozen", "head.news")

    def __attrs_post_init__(self) -> None:
        parse(self.freeze)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return not parse(self.freeze).matches(row, table)

    def patterns(self) -> tuple[str, ...]:
        return (self.freeze,)


@frozen
class AllButTheLargest(FreezePolicy):
    """Takes the largest weight for the embeddings."""

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.numel < max(each.numel for each in table)


@frozen
class TellsOneMetric(FreezePolicy):
    """Waits for two metrics and tells one."""

    first: str = option("a metric", "news/accuracy")
    second: str = option("another", "news/f1")
    least: Annotated[float, Ge(0), Le(1)] = option("what both have to reach", 0.5)

    def metrics(self) -> tuple[str, ...]:
        return (self.first,)

    def phase(self, progress: Progress) -> int:
        met = {each.metric for each in progress.metrics if each.value >= self.least}
        return int(met >= {self.first, self.second})

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or phase == 1


@frozen
class LastStageUntold(FreezePolicy):
    """Its list of stages ends too early."""

    after: Duration = option("when all trains", EPOCH)

    def stages(self) -> tuple[int, ...]:
        return tuple(range(1))

    def phase(self, progress: Progress) -> int:
        return int(progress.reached(self.after))

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or phase == 1


@frozen
class CountUnread(FreezePolicy):
    """The embeddings, however many blocks are asked for."""

    blocks: Annotated[int, Ge(0), Le(6)] = option("frozen blocks", 2)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role != "embeddings"


MUTANTS: tuple[tuple[object, str], ...] = (
    (FirstNameOnly, "F2"),
    (AllButTheLargest, "F17"),
    (TellsOneMetric, "F32"),
    (CountUnread, "G14"),
    (LastStageUntold, "F33"),
    (AsksOften, "F10"),
    (RemembersStep, "F10"),
    (RemembersTable, "F10"),
    (RemembersName, "F10"),
    (NeverGoesBack, "G5"),
    (ForgetsFinal, "F12"),
    (Truthy, "F12"),
    (EpochAsPhase, "F12"),
    (ThreeStages, "F12"),
    (ShareDone, "F12"),
    (WideOnly, "F14"),
    (MeanSize, "F14"),
    (Substring, "F15"),
    (Expression, "F15"),
    (NumberInName, "F15"),
    (Undeclared, "F15"),
    (HeadsLast, "F16"),
    (LowerHalf, "F17"),
    (OneAtATime, "F18"),
    (LatestScore, "F18"),
    (OneLate, "F19"),
    (OnTheDot, "F19"),
    (Hundred, "F19"),
    (AsksOften, "F20"),
    (AsksOften, "R1"),
    (RankZero, "F22"),
    (WaitsForWorse, "F23"),
    (CountsEntries, "F23"),
    (LastEntry, "F23"),
    (NotAbove, "F23"),
    (WholeEpochs, "F29"),
    (NoPercent, "F29"),
    (AsksLastPhase, "F30"),
    (TaskAsText, "F31"),
    (TaskUnsaid, "F31"),
    (TaskPrefix, "F31"),
    (TaskInSelector, "F31"),
)


@frozen
class HeadsAndNorms(FreezePolicy):
    """No options at all."""

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or row.kind == "norm"


@frozen
class WaitsFirst(FreezePolicy):
    """Everything is frozen for a while, and it says so."""

    trains_nothing: ClassVar[bool] = True
    monotone: ClassVar[bool] = True
    wait: Duration = option("how long nothing trains", EPOCH)

    def phase(self, progress: Progress) -> bool:
        return progress.reached(self.wait)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return bool(phase)


@frozen
class Alternates(FreezePolicy):
    """Heads and backbone take turns, an epoch each."""

    def phase(self, progress: Progress) -> str:
        return ("heads", "backbone")[progress.step // progress.steps_per_epoch % 2]

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return (row.role == "head") == (phase == "heads")


@frozen
class TakesTurns(FreezePolicy):
    """One head trains at a time, by its place in the table."""

    separates_tasks: ClassVar[bool] = False
    every: Duration = option("how long a head trains", EPOCH)

    def phase(self, progress: Progress) -> int:
        return progress.step // max(1, progress.steps(self.every))

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role != "head" or table.tasks[int(phase) % len(table.tasks)] == row.owner


@frozen
class BiasByName(FreezePolicy):
    """Reads the ends of names and says so; a tied weight is a bias if any of its names is."""

    reads_names: ClassVar[bool] = True
    ends: ClassVar[tuple[str, ...]] = (".bias", ".beta")

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or any(name.endswith(self.ends) for name in row.names)


@frozen
class Patience(FreezePolicy):
    """Thaws a block whenever a metric has not improved for some evaluations."""

    monotone: ClassVar[bool] = True
    metric: str = option("the metric", "news/accuracy")
    patience: Annotated[int, Ge(1)] = option("evaluations without improvement", 2)

    def phase(self, progress: Progress) -> int:
        values = {m.step: m.value for m in progress.metrics if m.metric == self.metric and m.value == m.value}
        best, stale, stages = float("-inf"), 0, 0
        for value in values.values():
            stale = 0 if value > best else stale + 1
            best = max(best, value)
            if stale == self.patience:
                stages, stale = stages + 1, 0
        return stages

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or table.depth - row.depth < int(phase)


@frozen
class StepsAsNumbers(FreezePolicy):
    """Counts steps in options that are plain numbers, and says so."""

    stretches: ClassVar[bool] = False
    every: Annotated[int, Ge(1)] = option("steps that a stage lasts", 7)

    def phase(self, progress: Progress) -> int:
        return progress.step // self.every

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or table.depth - row.depth < int(phase)


@frozen
class LargeFrozen(FreezePolicy):
    """Goes by size alone."""

    most: Annotated[int, Ge(1)] = option("numbers in the largest weight that trains", 10**15)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or row.numel <= self.most


@frozen
class OneBlock(FreezePolicy):
    """Only one block trains, heads included in what does not."""

    block: Annotated[int, Ge(0)] = option("the number of the block", 0)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "block" and row.depth == min(self.block + 1, table.depth)


@frozen
class Switches(FreezePolicy):
    """Freezes and thaws as often as it has durations."""

    at: tuple[Duration, ...] = option("when it changes its mind", (Duration(3.0, "st"), EPOCH))

    def phase(self, progress: Progress) -> str:
        return "on" if sum(progress.reached(each) for each in self.at) % 2 else "off"

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role != "embeddings" or phase == "on"


@frozen
class OneHead(FreezePolicy):
    """Nothing but the head of one task trains, by the prefix of its weights."""

    task: str = option("the task", "news")

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.name.startswith(f"heads.{self.task}.")

    def tasks(self) -> tuple[str, ...]:
        return (self.task,)


@frozen
class LastThird(FreezePolicy):
    """Reads shares of the run off its steps, one of them written in the code."""

    share: Annotated[float, Ge(0), Le(1)] = option("when the backbone thaws, as a share of the run", 0.37)

    def phase(self, progress: Progress) -> int:
        return (progress.step >= self.share * progress.total) + (3 * progress.step >= 2 * progress.total)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or (phase == 2 if row.role == "embeddings" else phase in (1, 2))


@frozen
class CountsEvaluations(FreezePolicy):
    """Thaws a block for every evaluation, of whatever metric, that measured something."""

    monotone: ClassVar[bool] = True

    def phase(self, progress: Progress) -> int:
        return len({each.step for each in progress.metrics if each.value == each.value})

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        return row.role == "head" or table.depth - row.depth < int(phase)


UNUSUAL: tuple[object, ...] = (
    HeadsAndNorms,
    WaitsFirst,
    WaitsFirst(Duration(10**9, "st")),
    Alternates,
    TakesTurns,
    BiasByName,
    Patience,
    Card(
        "freeze",
        "patience",
        "thaws when a metric stalls",
        Patience,
        example={"metric": "x/f1", "patience": 1},
    ),
    StepsAsNumbers,
    LargeFrozen,
    OneBlock,
    OneBlock(5000),
    Switches,
    Switches(()),
    OneHead,
    LastThird,
    CountsEvaluations,
)
