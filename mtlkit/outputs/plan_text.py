"""The plan for people: groups with their rates, and phases; apart from that every single weight."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from mtlkit.contracts.shown import in_lines
from mtlkit.plan.timeline import Moment, Phase, Timeline

MOST_NAMED = 3


def plan_text(
    timeline: Timeline,
    moments: Sequence[Moment],
    phases: Sequence[Phase],
    rows: Mapping[str, int],
    costs: str,
    notes: Mapping[str, str] = {},
) -> str:
    """The plan as text, but for the drawing and the single weights; `notes` say what is run how."""
    sources = ", ".join(f"{name} {count:,}" for name, count in rows.items())
    parts = [
        f"{timeline.total:,} steps, {timeline.steps_per_epoch:,} an epoch; training rows: {sources}",
        in_lines([f"estimate: {costs}", *(f"{about}: {note}" for about, note in notes.items())]),
        _groups(timeline),
        _phases(timeline, phases),
        _rates(timeline, moments),
    ]
    if not all(phase.trainable for phase in phases):
        parts.insert(2, "warning: in some phase every weight is frozen, nothing will train then")
    return "\n\n".join(parts)


def _groups(timeline: Timeline) -> str:
    sizes = {row.name: row.numel for row in timeline.table}
    lines = ["groups"]
    width = max(map(len, timeline.groups))
    for name, names in timeline.groups.items():
        numbers = sum(sizes[each] for each in names)
        shown = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
        lines.append(f"  {name:<{width}}  {len(names):>4} weights  {numbers:>12,} numbers  {shown}")
    return in_lines(lines)


def _phases(timeline: Timeline, phases: Sequence[Phase]) -> str:
    sizes = {row.name: row.numel for row in timeline.table}
    total = sum(sizes.values())
    lines = ["phases"]
    for phase in phases:
        trained = sum(sizes[name] for name in phase.trainable)
        share = 100 * trained / total if total else 0
        training = frozenset(phase.trainable)
        groups = [not training.isdisjoint(names) for names in timeline.groups.values()]
        lines.append(
            f"  {phase.name}  steps {phase.start:,}–{phase.end:,}  {len(phase.trainable)} weights train "
            f"({share:.1f} % of the numbers), {len(phase.frozen)} frozen  "
            f"trains: {', '.join(_listed(tuple(timeline.groups), groups)) or 'nothing'}"
        )
    return in_lines(lines)


def _listed(names: Sequence[str], meant: Sequence[bool]) -> Iterator[str]:
    """The names that are meant; of more than three neighbours the first and the last."""
    for yes, found in groupby(zip(names, meant, strict=True), key=lambda each: each[1]):
        some = [name for name, _ in found]
        if yes:
            yield from some if len(some) <= MOST_NAMED else [f"{some[0]} … {some[-1]}"]


def _rates(timeline: Timeline, moments: Sequence[Moment]) -> str:
    """One line per group: its highest rate and that of the last step."""
    width = max(map(len, timeline.groups))
    lines = ["rates"]
    for name, group in timeline.parts.items():
        peak = max((moment.rates[name] for moment in moments), default=0.0)
        last = moments[-1].rates[name] if moments else 0.0
        curve = f", curve of {group.curve!r}" if group.curve else ""
        lines.append(f"  {name:<{width}}  peak {peak:.2e}, last {last:.2e}{curve}")
    return in_lines(lines)


def weights_text(timeline: Timeline, phases: Sequence[Phase]) -> str:
    """Every single weight with its group, and in which phases it trains."""
    owners = {name: group for group, names in timeline.groups.items() for name in names}
    trained = [set(phase.trainable) for phase in phases]
    lines = ["weights (one mark per phase: T trains, - frozen)"]
    for row in timeline.table:
        marks = "".join("T" if row.name in names else "-" for names in trained)
        also = f"  = {', '.join(row.aliases)}" if row.aliases else ""
        lines.append(f"  {marks}  {row.name}  {list(row.shape)}  {owners[row.name]}{also}")
    return in_lines(lines)
