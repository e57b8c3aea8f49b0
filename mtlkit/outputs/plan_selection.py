"""What a plan says of evaluations: when they are, what they select, when they end the run."""

from mtlkit.plan.model import Plan
from mtlkit.plan.selection import evaluations, objective_of


def selection_document(plan: Plan, total: int, steps_per_epoch: int) -> dict[str, object]:
    """Plain values: `steps` of evaluations and, with a selection, what it goes by and when it may end."""
    steps = evaluations(plan, total, steps_per_epoch)
    told: dict[str, object] = {"steps": list(steps)}
    if plan.selection is not None:
        chosen = plan.selection
        told |= {"by": str(objective_of(chosen)), "mode": chosen.mode, "each_task": chosen.each_task}
        told |= {"patience": chosen.patience, "earliest_end": _earliest(plan, steps)}
    return told


def selection_text(plan: Plan, total: int, steps_per_epoch: int) -> str:
    """The same in words; empty where nothing is selected."""
    chosen = plan.selection
    if chosen is None:
        return ""
    steps = evaluations(plan, total, steps_per_epoch)
    best = "highest" if chosen.mode == "max" else "lowest"
    lines = [
        "selection",
        f"  of {_counted(len(steps))}, the one with the {best} {objective_of(chosen)} is kept",
    ]
    if chosen.each_task:
        lines.append("  and, for every task, the best by its primary metric")
    if chosen.patience is not None:
        by = f" by more than {chosen.min_delta:g}" if chosen.min_delta else ""
        when = f"after {_counted(chosen.patience)} in a row that are no better{by}"
        end = _earliest(plan, steps)
        lines.append(
            f"  it ends {when}: "
            + (f"at step {end:,} at the earliest" if end else "never, there are too few")
        )
    return "\n".join(lines)


def _earliest(plan: Plan, steps: tuple[int, ...]) -> int | None:
    """The step at which patience can first run out, None where it never can before the end."""
    patience = plan.selection.patience if plan.selection else None
    return steps[patience] if patience is not None and patience < len(steps) - 1 else None


def _counted(count: int) -> str:
    return "1 evaluation" if count == 1 else f"{count} evaluations"
