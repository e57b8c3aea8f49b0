"""The plan as JSON: steps, groups, phases, the rate of each group over time."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mtlkit.plan.guards import Guard
from mtlkit.plan.timeline import Moment, Phase, Timeline

EVERY_STEP_UP_TO = 2000


def plan_document(
    timeline: Timeline, moments: Sequence[Moment], phases: Sequence[Phase], guards: Sequence[Guard] = ()
) -> dict[str, Any]:
    """Plain values: `steps`, `steps_per_epoch`, `groups`, `phases`, `rates`, `warnings`.

    Rates are given for every step of a run of up to 2,000, else for 2,000 steps spread evenly and for
    the first and last step of every phase.
    """
    sizes = {row.name: row.numel for row in timeline.table}
    return {
        "steps": timeline.total,
        "steps_per_epoch": timeline.steps_per_epoch,
        "groups": [
            {
                "name": name,
                "weights": list(group.weights),
                "count": len(group.weights),
                "numbers": sum(sizes[n] for n in group.weights),
                "curve": f"lr.curves.{group.curve}" if group.curve else "lr.curve",
            }
            for name, group in timeline.parts.items()
        ],
        "phases": [
            {
                "name": phase.name,
                "start": phase.start,
                "end": phase.end,
                "frozen": list(phase.frozen),
                "trainable": list(phase.trainable),
            }
            for phase in phases
        ],
        "rates": _rates(timeline, moments, phases),
        "warnings": [{"path": guard.path, "message": guard.message} for guard in guards],
    }


def plan_json(
    timeline: Timeline, moments: Sequence[Moment], phases: Sequence[Phase], guards: Sequence[Guard] = ()
) -> str:
    """The same as text."""
    return json.dumps(plan_document(timeline, moments, phases, guards), indent=1)


def _rates(
    timeline: Timeline, moments: Sequence[Moment], phases: Sequence[Phase]
) -> Mapping[str, list[list[float]]]:
    steps = _shown_steps(len(moments), phases)
    return {group: [[step, moments[step].rates[group]] for step in steps] for group in timeline.groups}


def _shown_steps(total: int, phases: Sequence[Phase]) -> list[int]:
    if total <= EVERY_STEP_UP_TO:
        return list(range(total))
    spread = {at * (total - 1) // (EVERY_STEP_UP_TO - 1) for at in range(EVERY_STEP_UP_TO)}
    borders = {step for phase in phases for step in (phase.start, phase.end - 1)}
    return sorted(spread | borders)
