"""Tables, logs and walks for the tests of freeze policies over time."""

from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.progress import Measurement, Progress

METRIC = "sentiment/accuracy"


def made(blocks: int, *tasks: str) -> ParamTable:
    """Embeddings, that many blocks of a weight each, a final norm, and a weight for each head."""
    rows = [Row("backbone.e", (2,), BACKBONE, "embeddings", 0, "embedding")]
    rows += [Row(f"backbone.b{n}", (2,), BACKBONE, "block", n + 1, "weight") for n in range(blocks)]
    rows += [Row("backbone.norm", (2,), BACKBONE, "final", blocks + 1, "norm")]
    rows += [Row(f"heads.{task}.w", (2,), task, "head", blocks + 2, "weight") for task in tasks or ("t",)]
    return ParamTable(tuple(rows), blocks)


def trained(policy, table, progress) -> list[str]:
    """What trains at that moment, without the prefix."""
    phase = policy.phase(progress)
    return [row.name.removeprefix("backbone.") for row in table if policy.trainable(row, table, phase)]


def changes(policy, table, total: int, per_epoch: int, log=()) -> dict[int, list[str]]:
    """Step → what trains from there on, for each step at which that changes."""
    found: dict[int, list[str]] = {}
    for step in range(total + 1):
        now = trained(policy, table, Progress(step, total, per_epoch, log))
        if not found or now != found[max(found)]:
            found[step] = now
    return found


def measured(*values: float, every: int = 10, metric: str = METRIC) -> tuple[Measurement, ...]:
    """One evaluation every so many steps."""
    return tuple(Measurement(every * number, metric, value) for number, value in enumerate(values, start=1))
