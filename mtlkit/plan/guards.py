"""What a plan allows and its author may not have meant: warnings, never errors.

Each guard is a pure function of the plan and its timeline. It says what will happen and why that is unusual.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import Any

from attrs import frozen

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import made_of
from mtlkit.contracts.params import BACKBONE, Row
from mtlkit.contracts.place import Place
from mtlkit.plan.model import Part, Plan
from mtlkit.plan.timeline import Moment, Phase, Timeline

HIGHEST_RATE = 1e-4
FAR = 10**9


@frozen
class Guard:
    """One warning, and the dotted place of the recipe that it is about."""

    message: str
    path: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def guards(
    plan: Plan,
    timeline: Timeline,
    moments: Sequence[Moment],
    phases: Sequence[Phase],
    evaluated: Collection[str],
) -> tuple[Guard, ...]:
    """All warnings about a plan; `evaluated` are the sources that have validation rows."""
    return (
        *fast_blocks(plan, timeline, moments, phases),
        *long_warmups(plan, timeline),
        *idle_rewarms(plan, timeline, moments),
        *unreached_stages(plan, moments),
        *late_thaws(plan, timeline),
        *frozen_heads(plan, timeline, phases),
        *idle_guards(plan, timeline, evaluated),
        *unmeasured_metrics(plan, timeline, evaluated),
    )


def fast_blocks(
    plan: Plan, timeline: Timeline, moments: Sequence[Moment], phases: Sequence[Phase]
) -> Iterator[Guard]:
    """Blocks of a pre-trained backbone that learn at more than 1e-4 with an optimizer like Adam.

    Such an optimizer moves every number by about the rate, whatever the gradient. Adapters are new and
    biases and norms few: they may be faster.
    """
    if not (_like_adam(plan.optimizer.name) and _pretrained(plan.backbone)):
        return
    old = {row.name for row in timeline.table if _of_old_block(row)}
    owners = {name: group for group, names in timeline.groups.items() for name in names if name in old}
    highest = 0.0
    for phase in phases:
        groups = {owners[name] for name in phase.trainable if name in owners}
        for moment in moments[phase.start : phase.end] if groups else ():
            highest = max(highest, *(moment.rates[group] for group in groups))
    if highest > HIGHEST_RATE:
        yield Guard(
            f"blocks of the backbone learn at up to {highest:.1e} with {plan.optimizer.name}; usual for a "
            f"pre-trained transformer are 1e-05 to 5e-05, and above {HIGHEST_RATE:.0e} it may lose what it "
            "has learned",
            "lr",
        )


def long_warmups(plan: Plan, timeline: Timeline) -> Iterator[Guard]:
    """Curves whose warm-up does not end before the run does."""
    curves = _curves(plan)
    curves |= {f"tasks.{task.name}.backbone_grad.curve": task.backbone_grad_curve for task in plan.tasks}
    for path, curve in curves.items():
        warmup = getattr(curve.options, "warmup", None)
        steps = timeline.progress(0).steps(warmup) if isinstance(warmup, Duration) else 0
        if steps and steps >= timeline.main:
            yield Guard(
                f"the warm-up takes {steps} steps and the run has {timeline.main}: the peak is never "
                "reached; usual for fine-tuning are 5 to 10 % of the run",
                path,
            )


def idle_rewarms(plan: Plan, timeline: Timeline, moments: Sequence[Moment]) -> Iterator[Guard]:
    """Curves that are to rise again after a thaw, where no group that follows them thaws during the run."""
    if any(_waits(options) for _, options in _policies(plan)):
        return
    pairs = list(pairwise(moments))
    for path, part in _curves(plan).items():
        rewarm = getattr(part.options, "rewarm", None)
        if not isinstance(rewarm, Duration) or not rewarm.amount:
            continue
        selector = path.removeprefix("lr.curve").removeprefix("s.")
        followed = [name for name, group in timeline.parts.items() if group.curve == selector]
        if getattr(part.options, "rewarm_scope", "group") == "all":
            followed = list(timeline.parts)
        weights = [frozenset(timeline.groups[name]) for name in followed]
        late = any(
            before.trainable is not after.trainable
            and any(
                before.trainable.isdisjoint(names) > after.trainable.isdisjoint(names) for names in weights
            )
            for before, after in pairs
        )
        if not late:
            yield Guard(
                f"rewarm = '{rewarm}' does nothing: no group of weights that follows this curve thaws after "
                "the first step (a group thaws with its first weight; the groups are "
                f"{', '.join(timeline.groups)})",
                path,
            )


def unreached_stages(plan: Plan, moments: Sequence[Moment]) -> Iterator[Guard]:
    """Phases of a freeze policy, where it knows them all, that no step of the run is in.

    When a phase that waits for a metric begins is not known, nor what comes after it.
    """
    for path, options in _policies(plan):
        stages = () if _waits(options) else _told(options, "stages")
        own = [each.progress for each in moments if each.progress.step < each.progress.total]
        met = {options.phase(progress) for progress in own} if stages and own else set(stages)
        for stage in stages:
            if stage not in met:
                yield Guard(f"phase {stage!r} never begins within the {len(own)} steps of the run", path)


def late_thaws(plan: Plan, timeline: Timeline) -> Iterator[Guard]:
    """Weights that a policy freezes throughout the run and would thaw after its end."""
    for path, options in _policies(plan):
        if _waits(options) or _told(options, "stages") or not timeline.main:
            continue
        steps = [timeline.main - 1] if options.monotone else range(timeline.main)
        met = {options.phase(timeline.progress(step)) for step in steps}
        far = options.phase(timeline.progress(FAR))
        late = [
            row.name
            for row in timeline.table
            if row.trainable
            and options.trainable(row, timeline.table, far)
            and not any(options.trainable(row, timeline.table, phase) for phase in met)
        ]
        if late:
            yield Guard(
                f"{len(late)} weights, {late[0]} among them, never train: they would thaw after the end of "
                "the run",
                path,
            )


def frozen_heads(plan: Plan, timeline: Timeline, phases: Sequence[Phase]) -> Iterator[Guard]:
    """Heads that never train, or that are frozen while the backbone below them trains."""
    if any(each.trains_nothing for _, options in _policies(plan) for each in made_of(options)):
        return
    backbone = {row.name for row in timeline.table if row.owner == BACKBONE}
    sets = [(phase, frozenset(phase.trainable)) for phase in phases]
    for task in timeline.table.tasks:
        head = {row.name for row in timeline.table if row.owner == task and row.trainable}
        idle = [(phase, trained) for phase, trained in sets if head and head.isdisjoint(trained)]
        rotting = [phase for phase, trained in idle if not backbone.isdisjoint(trained)]
        if idle and len(idle) == len(phases):
            yield Guard(f"the head of task {task!r} never trains", "freeze")
        elif rotting:
            start, end = _stretch(rotting)
            yield Guard(
                f"the head of task {task!r} is frozen in steps {start}–{end - 1} while the "
                f"backbone below it trains: the features that it has learned to read change{_then(plan)}",
                "freeze",
            )


def _stretch(phases: Sequence[Phase]) -> tuple[int, int]:
    """Start and end of the first of them and of those that follow without a gap."""
    end = phases[0].end
    for phase in phases[1:]:
        end = phase.end if phase.start == end else end
    return phases[0].start, end


def _then(plan: Plan) -> str:
    worse = f"worse by more than {plan.guards.tolerance:g}" if plan.guards.tolerance else "worse"
    return {
        "report": "",
        "stop": f"; the run stops once its metric is {worse}",
        "refit": f"; it is fitted again at the end if its metric is {worse} then, or was not measured",
    }[plan.guards.frozen_head]


def idle_guards(plan: Plan, timeline: Timeline, evaluated: Collection[str]) -> Iterator[Guard]:
    """A guard of frozen heads that has nothing to guard, or no metric to go by, or whose work is undone."""
    action = plan.guards.frozen_head
    if action == "report" or any(_waits(options) for _, options in _policies(plan)):
        return
    stood = set(timeline.stale(timeline.main))
    if not stood:
        yield Guard(
            f"frozen_head = {action!r} does nothing: no head stays frozen while the backbone trains",
            "guards.frozen_head",
        )
    blind = sorted(task.data for task in plan.tasks if task.name in stood and task.data not in evaluated)
    if action == "stop" and blind:
        yield Guard(
            f"data {blind[0]!r} has no validation rows, so nobody sees the task of the frozen head get "
            f"worse; add validation = 0.1 to the split of [data.{blind[0]}]",
            "guards.frozen_head",
        )
    if action == "refit" and plan.selection is not None and stood:
        yield Guard(
            "the run goes back to its best evaluation, which may be one from before heads are fitted again",
            "guards.frozen_head",
        )


def unmeasured_metrics(plan: Plan, timeline: Timeline, evaluated: Collection[str]) -> Iterator[Guard]:
    """Metrics that something waits for and that are not measured before the last step."""
    every = plan.training.evaluate_every
    never = every is None or max(1, timeline.progress(0).steps(every)) >= timeline.total
    curves = ((path, part.options) for path, part in _curves(plan).items())
    for path, options in (*_policies(plan), *curves):
        for metric in _told(options, "metrics"):
            source = next((task.data for task in plan.tasks if task.name == metric.partition("/")[0]), "")
            if never:
                advice = "set training.evaluate_every to less than the run"
            elif source not in evaluated:
                advice = f"add validation = 0.1 to the split of [data.{source}]"
            else:
                continue
            yield Guard(
                f"{metric} is not measured before the end, so what waits for it does not happen; {advice}",
                path,
            )


def _like_adam(name: str) -> bool:
    return "adam" in name.lower() or name.lower() == "lion"


def _pretrained(backbone: Part) -> bool:
    """Whether its weights come from somewhere: one of its options is a place."""
    names = getattr(type(backbone.options), "__annotations__", {})
    return any(isinstance(getattr(backbone.options, name, None), Place) for name in names)


def _of_old_block(row: Row) -> bool:
    return row.role == "block" and row.kind == "weight" and not row.adapter


def _policies(plan: Plan) -> Iterator[tuple[str, Any]]:
    """The freeze policies with their places; one [freeze] table has no number."""
    single = isinstance(plan.document.data.get("freeze"), dict)
    for number, part in enumerate(plan.freeze):
        yield "freeze" if single else f"freeze[{number}]", part.options


def _curves(plan: Plan) -> dict[str, Part]:
    """The curves of the rates with their places."""
    return {"lr.curve": plan.curve} | {
        f"lr.curves.{selector}": part for selector, part in plan.curves.items()
    }


def _waits(options: Any) -> bool:  # noqa: ANN401  any freeze policy
    """Whether the policy goes by something that only the run will measure."""
    return bool(_told(options, "metrics") or _told(options, "statistics"))


def _told(options: Any, what: str) -> tuple[Any, ...]:  # noqa: ANN401  any plugin
    return tuple(getattr(options, what)()) if hasattr(options, what) else ()
