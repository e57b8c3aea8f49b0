"""A run of a generated model under any interleaving of what happens to runs, with every law watched.

`rules()` draws what happens, a list of plain values; `train_under` lets it happen to a model under
freeze policies, a rate schedule and an optimizer, and raises `LawBroken` where a law does not hold.
At the end a twin to which nothing happened but its steps must be equal to it byte by byte.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from mtlkit.builtin.curves.constant import Constant
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.progress import Measurement
from mtlkit.contracts.rates import Curve, LRSchedule
from mtlkit.testing.models import Spec
from mtlkit.testing.oracles import LawBroken, check_equal
from mtlkit.testing.strategies import metric_logs
from mtlkit.testing.watched_run import Builder, Rule, Run, World

__all__ = ["LawBroken", "rules", "train_under"]

CLEAR = ("none", "zero", "leave")


def rules(max_size: int = 16, tasks: tuple[str, ...] = ("news",)) -> st.SearchStrategy[list[Rule]]:
    """What happens to a run; half of it are steps.

    - `step`: of `micro` micro-batches; afterwards gradients are set to None ("none"), to 0 ("zero") or left
      ("leave"), as loops of others do.
    - `skip`: a step that is not taken, for want of a gradient or because it is "nan" or "inf".
    - `evaluate`: a pass in eval mode, and back. `report`: a metric. `replan`: the plan is asked for twice.
    - `checkpoint`; `restore` of an earlier one ("which") into the "same" objects or "fresh" ones.
    - `flip`: the `flag` or the `mode` of one parameter or module, number `at`, by somebody else.
    - `stale`: gradients left on every parameter, of this `value`.
    """
    steps = [
        _rule("step", micro=st.just(micro), clear=st.just(clear)) for micro in (1, 2, 3) for clear in CLEAR
    ]
    others = [
        _rule("skip", micro=st.integers(1, 2), how=st.sampled_from(("none", "nan", "inf"))),
        _rule("evaluate"),
        metric_logs(tasks, max_size=1).filter(bool).map(_report),
        _rule("replan"),
        _rule("checkpoint"),
        _rule("checkpoint"),
        _rule("restore", which=st.integers(0, 3), into=st.sampled_from(("same", "fresh"))),
        _rule("restore", which=st.integers(0, 3), into=st.sampled_from(("same", "fresh"))),
        _rule("flip", what=st.sampled_from(("flag", "mode")), at=st.integers(0, 40)),
        _rule("stale", value=st.sampled_from((1.0, 0.0, float("nan")))),
    ]
    return st.lists(st.one_of(steps + others), min_size=min(8, max_size), max_size=max_size)


def train_under(
    spec: Spec,
    rules: Sequence[Rule],
    policies: Sequence[FreezePolicy],
    schedule: LRSchedule,
    optimizer: dict[str, Any] | Builder,
    *,
    curve: Curve | None = None,
    folder: Path | None = None,
    total: int = 8,
) -> None:
    """Let the rules happen to the model of `spec`, in a run of `total` steps, 2 to an epoch.

    `optimizer` is a spec of `strategies.optimizers()`, or a function of torch-style groups. With `folder`,
    checkpoints are written below it and read back. Everything is built anew from the arguments; they
    are copied first, so that what one run leaves in a policy is not there in the next.

    Raises:
        LawBroken: with the id of the law and what was seen.
    """
    world = World(spec, tuple(policies), schedule, curve or Constant(), optimizer, folder, total)
    run = Run(world)
    for rule in rules:
        run.obey(rule)
    run.check("at the end")
    twin = Run(world)
    for rule in run.history:
        twin.obey(rule)
    check_equal(run.take(), twin.take(), "R1", "from a run that nothing interrupted")


def _rule(do: str, **values: st.SearchStrategy[Any]) -> st.SearchStrategy[Rule]:
    return st.fixed_dictionaries({"do": st.just(do), **values})


def _report(log: tuple[Measurement, ...]) -> Rule:
    return {"do": "report", "metric": log[0].metric, "value": log[0].value}
