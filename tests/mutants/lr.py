"""Schedules: broken ones with the law that each breaks, and unusual ones that are right."""

from collections.abc import Mapping
from math import cos, pi
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le
from attrs import field, frozen

from mtlkit import Duration, LRSchedule, ParamTable, Progress, Row
from mtlkit.contracts.options import option

Rate = Annotated[float, Ge(0)]
RUN: dict[str, int] = {}


@frozen
class Parts(LRSchedule):
    """The one that is right: a rate for the backbone, one for each head."""

    peak: Rate = option("the rate", 1e-3, unit="rate")
    heads: Rate | None = option("the rate of the heads", None, unit="rate")
    per_task: Mapping[str, Rate] = option("rates of single heads", {}, unit="rate")

    def group(self, row: Row, table: ParamTable) -> str:
        return f"head.{row.owner}" if row.role == "head" else "backbone"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        if group == "backbone":
            return self.peak
        return self.per_task.get(group.removeprefix("head."), self.peak if self.heads is None else self.heads)

    def tasks(self) -> tuple[str, ...]:
        return tuple(self.per_task)


@frozen
class WarmByAge(Parts):
    """A warm-up of each group's own, divided by the length of the run."""

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return super().rate(group, progress, age) * min(1.0, age / (progress.total // 10))


@frozen
class BelowZero(Parts):
    """A straight fall that does not stop."""

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return super().rate(group, progress, age) * (1 - progress.step / max(1, progress.total))


@frozen
class KnownGroups(Parts):
    """Forgets that a model may have something after its last block."""

    def group(self, row: Row, table: ParamTable) -> str:
        return {"embeddings": "low", "block": "blocks", "final": "final", "head": "heads"}[row.role]

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return {"low": self.peak / 10, "blocks": self.peak, "heads": self.peak}[group]


@frozen
class CountsCalls(Parts):
    """Decays with each call."""

    _calls: list[int] = field(factory=list, init=False, eq=False, repr=False)

    def rate(self, group: str, progress: Progress, age: int) -> float:
        self._calls.append(1)
        return super().rate(group, progress, age) * 0.999 ** len(self._calls)


@frozen
class GroupTellsRate(Parts):
    """`group` leaves a note for `rate`."""

    _depths: dict[str, int] = field(factory=dict, init=False, eq=False, repr=False)

    def group(self, row: Row, table: ParamTable) -> str:
        self._depths[f"depth {row.depth}"] = table.depth + 2 - row.depth
        return f"depth {row.depth}"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return self.peak * 0.9 ** self._depths[group]


@frozen
class OneStepRun(Parts):
    """Divides by the number of the last step."""

    def rate(self, group: str, progress: Progress, age: int) -> float:
        last = max(progress.total, 1) - 1
        done = min(progress.step, last)
        return super().rate(group, progress, age) * (1 - 0.5 * done / last)


@frozen
class CachedByGroup(Parts):
    """A warm-up by age, remembered by group and step."""

    _cache: dict[tuple[str, int, int], float] = field(factory=dict, init=False, eq=False, repr=False)

    def rate(self, group: str, progress: Progress, age: int) -> float:
        key = (group, progress.step, progress.total)
        if key not in self._cache:
            self._cache[key] = super().rate(group, progress, age) * min(1.0, (age + 1) / 10)
        return self._cache[key]


@frozen
class AgeOfTheLast(Parts):
    """Remembers the age of the group that was asked before."""

    def rate(self, group: str, progress: Progress, age: int) -> float:
        last, RUN["age"] = RUN.get("age", 0), age
        return super().rate(group, progress, age) / (1 + max(age, last))


@frozen
class BoundedBelow(Parts):
    """A floor under each rate, which bends the small ones."""

    def rate(self, group: str, progress: Progress, age: int) -> float:
        part = max(0.0, 1 - min(progress.step, progress.total) / max(1, progress.total))
        factor = 1.0 if group != "backbone" else 0.5
        return max(super().rate(group, progress, age) * part * factor, 0.1 * self.peak)


@frozen
class HeadsFirst(Parts):
    """The backbone follows later, undeclared."""

    def rate(self, group: str, progress: Progress, age: int) -> float:
        late = group == "backbone" and progress.step < progress.total // 4
        return super().rate(group, progress, age) * (0.1 if late else 1.0)


@frozen
class ZeroIsDefault(Parts):
    """`or` where `is None` was meant."""

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return self.peak if group == "backbone" else self.heads or self.peak or 1e-4


@frozen
class LeastRate(Parts):
    """A constant added so that nothing stands still."""

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return super().rate(group, progress, age) + 1e-7


@frozen
class Plateau(Parts):
    """Half the rate whenever the last value was not better than the one before."""

    def rate(self, group: str, progress: Progress, age: int) -> float:
        values = [entry.value for entry in progress.metrics if entry.metric == "sentiment/accuracy"]
        worse = sum(not later > earlier for earlier, later in zip(values, values[1:], strict=False))
        return super().rate(group, progress, age) * 0.5**worse


@frozen
class Numpy(Parts):
    """numpy's own floats."""

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return np.float64(super().rate(group, progress, age))


@frozen
class Annealed(Parts):
    """A decay between layers that vanishes with the run, and goes on after it."""

    keeps_ratios: ClassVar[bool] = False

    def rate(self, group: str, progress: Progress, age: int) -> float:
        share = progress.step / max(1, progress.total)
        power = 5 * (1 - share) if group == "backbone" else 0.0
        return super().rate(group, progress, age) * 0.5 ** max(power, -200)


@frozen
class SinglePrecision(Parts):
    """Rates as torch keeps them."""

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return float(np.float32(super().rate(group, progress, age)))


@frozen
class TasksForgotten(Parts):
    """Names tasks and does not say so."""

    def tasks(self) -> tuple[str, ...]:
        return ()


@frozen
class OneText(LRSchedule):
    """Returns a text where a tuple is asked for."""

    task: str = option("the main task", "sentiment")
    peak: Rate = option("its rate", 1e-3, unit="rate")

    def group(self, row: Row, table: ParamTable) -> str:
        return "main" if row.role == "head" and row.owner == self.task else "rest"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return self.peak if group == "main" else self.peak / 10

    def tasks(self) -> tuple[str, ...]:
        return self.task


@frozen
class NoFinal(Parts):
    """A branch is missing."""

    def group(self, row: Row, table: ParamTable) -> str:
        if row.role == "head":
            return "heads"
        if row.role in ("embeddings", "block"):
            return "backbone"
        return None

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return self.peak


@frozen
class TiedApart(Parts):
    """Tied weights have a group of their own."""

    def group(self, row: Row, table: ParamTable) -> str:
        tied = any(name.startswith("heads.") for name in row.names) and row.role != "head"
        return "tied" if tied else super().group(row, table)

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return self.peak / 2 if group == "tied" else super().rate(group, progress, age)


@frozen
class LastName(Parts):
    """Looks at the last of several names, as declared."""

    reads_names: ClassVar[bool] = True

    def group(self, row: Row, table: ParamTable) -> str:
        return "decoder" if row.names[-1].endswith("decoder.weight") else "rest"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return self.peak


@frozen
class ByObject(Parts):
    """Finds the row by identity."""

    def group(self, row: Row, table: ParamTable) -> str:
        first = next((each for each in table if each.role == row.role), None)
        return f"first {row.role}" if first is row else super().group(row, table)

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return self.peak if group.startswith("first") else super().rate(group, progress, age)


@frozen
class ByPattern(Parts):
    """BERT's names for what row.role and row.kind say."""

    def group(self, row: Row, table: ParamTable) -> str:
        return "bias" if row.name.endswith("bias") else super().group(row, table)

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return 2 * self.peak if group == "bias" else super().rate(group, progress, age)


@frozen
class LayerByName(Parts):
    """Reads the number of the layer from its name: layer.1 is also the begin of layer.10."""

    def group(self, row: Row, table: ParamTable) -> str:
        low = any(f"layer.{number}" in row.name for number in (0, 1))
        return "low" if low else super().group(row, table)

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return self.peak / 10 if group == "low" else super().rate(group, progress, age)


@frozen
class FirstTask(Parts):
    """The first task of the table is the main one."""

    def group(self, row: Row, table: ParamTable) -> str:
        return "main" if row.owner == table.tasks[0] else "rest"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return self.peak if group == "main" else self.peak / 10


@frozen
class ByIndex(Parts):
    """Groups of four weights in the order of the table."""

    def group(self, row: Row, table: ParamTable) -> str:
        return f"chunk {table.names.index(row.name) // 4}"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return self.peak


@frozen
class SharedByTasks(Parts):
    """The heads share one rate among them."""

    def group(self, row: Row, table: ParamTable) -> str:
        return f"heads/{len(table.tasks)}" if row.role == "head" else "backbone"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return self.peak / int(group.partition("/")[2] or 1)


@frozen
class WrongEnd(LRSchedule):
    """Layer-wise decay counted from the wrong end."""

    rises_with_depth: ClassVar[bool] = True

    peak: Rate = option("the rate", 1e-3, unit="rate")
    decay: Annotated[float, Gt(0), Le(1)] = option("from block to block", 0.8)

    def group(self, row: Row, table: ParamTable) -> str:
        return f"depth/{row.depth}"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return self.peak * self.decay ** int(group.partition("/")[2])


@frozen
class TrainableOnly(LRSchedule):
    """Counts only the layers with something to train."""

    peak: Rate = option("the rate", 1e-3, unit="rate")

    def group(self, row: Row, table: ParamTable) -> str:
        depths = sorted({each.depth for each in table if each.trainable})
        above = sum(depth > row.depth for depth in depths)
        return f"{above} above"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return self.peak * 0.9 ** int(group.partition(" ")[0])


@frozen
class NoPrefix(Parts):
    """Groups are called like roles and like tasks."""

    def group(self, row: Row, table: ParamTable) -> str:
        return row.owner if row.role == "head" else row.role

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return self.peak / 10 if group in ("embeddings", "block", "final") else self.peak


@frozen
class Beginning(Parts):
    """Finds the rate of a task by the begin of its name."""

    def rate(self, group: str, progress: Progress, age: int) -> float:
        for task, rate in self.per_task.items():
            if group.startswith(f"head.{task}"):
                return rate
        return self.peak


MUTANTS: tuple[tuple[object, str], ...] = (
    (WarmByAge, "L1"),
    (BelowZero, "L1"),
    (KnownGroups, "L1"),
    (CountsCalls, "L2"),
    (GroupTellsRate, "L2"),
    (OneStepRun, "L4"),
    (CachedByGroup, "L9"),
    (AgeOfTheLast, "L9"),
    (BoundedBelow, "L10"),
    (HeadsFirst, "L10"),
    (ZeroIsDefault, "L11"),
    (LeastRate, "L11"),
    (Plateau, "L13"),
    (Numpy, "L14"),
    (Annealed, "L16"),
    (SinglePrecision, "L18"),
    (TasksForgotten, "L20"),
    (OneText, "L20"),
    (NoFinal, "P1"),
    (TiedApart, "P2"),
    (LastName, "P2"),
    (ByObject, "P3"),
    (ByPattern, "P7"),
    (LayerByName, "P7"),
    (FirstTask, "P8"),
    (ByIndex, "P8"),
    (SharedByTasks, "P9"),
    (WrongEnd, "P10"),
    (TrainableOnly, "P12"),
    (NoPrefix, "P15"),
    (Beginning, "P15"),
)


@frozen
class PerWeight(LRSchedule):
    """A group for each weight, by name as declared; no options, no unit."""

    reads_names: ClassVar[bool] = True

    def group(self, row: Row, table: ParamTable) -> str:
        return min(row.names)

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return 1e-3


@frozen
class Nothing(LRSchedule):
    """Rate 0 for all."""

    def group(self, row: Row, table: ParamTable) -> str:
        return "∅"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return 0


@frozen
class Alternating(LRSchedule):
    """The backbone and the heads take turns of one step."""

    keeps_ratios: ClassVar[bool] = False

    peak: Annotated[float, Gt(0), Le(1)] = option("the rate", 1e-3, unit="rate")

    def group(self, row: Row, table: ParamTable) -> str:
        return "heads" if row.role == "head" else "backbone"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return self.peak * ((progress.step % 2 == 0) is (group == "heads"))


@frozen
class OwnCurve(LRSchedule):
    """Each group has a slanted triangle of its own, from when it thaws."""

    rise: Duration = option("how long each group warms up", Duration(5, "%"))
    peak: Rate = option("the rate", 0.1, unit="rate")

    def group(self, row: Row, table: ParamTable) -> str:
        return f"{row.role} {row.kind}"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        up = min(1.0, (age + 1) / max(1, progress.steps(self.rise)))
        return self.peak * up * (1 + cos(pi * min(1.0, progress.step / max(1, progress.total)))) / 2


@frozen
class PerEpoch(LRSchedule):
    """A factor for each epoch, without an end; one group for each depth and kind."""

    peak: Rate = option("the rate", 1e-3, unit="rate")
    gamma: Annotated[float, Gt(0), Le(1)] = option("for each epoch", 0.9)

    def group(self, row: Row, table: ParamTable) -> str:
        return f"{row.depth}-{row.kind}-{len(row.shape)}"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return self.peak * self.gamma ** int(progress.epoch)


@frozen
class LateBackbone(LRSchedule):
    """The backbone rests for a while, as declared."""

    keeps_ratios: ClassVar[bool] = False

    until: Duration = option("how long", Duration(1, "ep"))

    def group(self, row: Row, table: ParamTable) -> str:
        return row.role

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return 1e-3 if group == "head" or progress.reached(self.until) else 0.0


@frozen
class FrozenByAuthor(LRSchedule):
    """What its author froze has a group with rate 0."""

    def group(self, row: Row, table: ParamTable) -> str:
        return "free" if row.trainable else "frozen"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        return 1e-3 if group == "free" else 0.0


UNUSUAL: tuple[object, ...] = (
    Parts,
    Parts(peak=1e300, per_task={"sentiment": 0.0}),
    PerWeight,
    Nothing,
    Alternating,
    OwnCurve,
    PerEpoch,
    LateBackbone,
    FrozenByAuthor,
)
