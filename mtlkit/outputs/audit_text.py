"""What `mtlkit data` prints."""

from collections.abc import Iterator, Sequence

from mtlkit.contracts.audit import Audit, Doubtful, Example, Leak, TaskAudit, ViewAudit
from mtlkit.contracts.rows import SPLITS
from mtlkit.contracts.shown import in_lines

LABELS_SHOWN = 20
TEXT_SHOWN = 60
TOKENS_SHOWN = 24


def audit_text(audit: Audit) -> str:
    """The whole report; every section begins with what it is about."""
    return in_lines(_lines(audit)).strip("\n")


def _lines(audit: Audit) -> Iterator[str]:
    for source in audit.sources:
        rows = ", ".join(f"{source.rows[split]:,} {split}" for split in SPLITS if source.rows[split])
        yield f"data {source.name} ({source.source}): {rows or 'no rows'}"
        yield from (f"  warning: {warning}" for warning in source.warnings)
    for task in audit.tasks:
        yield ""
        yield f"task {task.name} ({task.head}, data {task.data})"
        yield from (f"  {line}" for line in _task(task))
    yield ""
    if not audit.leaks:
        yield "no text is in training rows and in held-out rows"
    for leak in audit.leaks:
        yield from _leak(leak)


def _task(task: TaskAudit) -> Iterator[str]:
    if task.label:
        yield from _labels(task)
    for view in task.views:
        yield from _view(view)
    if task.contradictions.texts:
        yield f"contradictory: {_doubtful(task.contradictions, 'with several labels')}"
    for example in task.examples:
        yield from _example(example)


def _labels(task: TaskAudit) -> Iterator[str]:
    used = [split for split in SPLITS if task.labels.get(split) or task.unlabelled[split]]
    if not task.labels:
        yield f"labels ({task.label}): more than {task.different - 1:,} different"
    else:
        total = {
            label: sum(counts.get(label, 0) for counts in task.labels.values())
            for counts in task.labels.values()
            for label in counts
        }
        names = sorted(total, key=lambda label: -total[label])
        rows = [
            [_short(name), *(f"{task.labels[split].get(name, 0):,}" for split in used)]
            for name in names[:LABELS_SHOWN]
        ]
        yield from _table([f"labels ({task.label})", *used], rows)
        if len(names) > LABELS_SHOWN:
            yield f"and {len(names) - LABELS_SHOWN:,} more"
    without = [f"{task.unlabelled[split]:,} {split}" for split in SPLITS if task.unlabelled[split]]
    if without:
        yield f"without a label: {', '.join(without)}"


def _view(view: ViewAudit) -> Iterator[str]:
    named = " + ".join(view.columns)
    if view.lengths:
        lengths = ", ".join(f"{name} {length:,}" for name, length in view.lengths.items())
        yield f"tokens of {named}: {lengths}"
    if view.cut:
        yield f"cut at the backbone's length: {view.cut:,} of {view.rows:,} rows ({view.cut / view.rows:.1%})"
    for what, counts in (("duplicates", view.duplicates), ("without a text", view.empty)):
        told = [f"{counts[split]:,} {split}" for split in SPLITS if counts[split]]
        if told:
            yield f"{what}: {', '.join(told)}"


def _leak(leak: Leak) -> Iterator[str]:
    trained, held = " and ".join(leak.trained), " and ".join(leak.held_out)
    where = f"{trained} ({' + '.join(leak.trained_columns)})"
    told = _doubtful(leak.found, f"of the training rows of {where}")
    yield f"leak: {leak.split} rows of {held} ({' + '.join(leak.held_out_columns)}) have {told}"


def _doubtful(found: Doubtful, what: str) -> str:
    texts = "1 text" if found.texts == 1 else f"{found.texts:,} texts"
    rows = "1 row" if found.rows == 1 else f"{found.rows:,} rows"
    shown = "; ".join(f'"{_short(text)}"' for text in found.examples)
    return f"{texts} {what}, in {rows}: {shown}" if shown else f"{texts} {what}, in {rows}"


def _example(example: Example) -> Iterator[str]:
    if not example.tokens:
        return
    tokens = example.tokens[:TOKENS_SHOWN]
    more = ["…"] if len(example.tokens) > TOKENS_SHOWN else []
    if example.labels:
        labels = [*example.labels[:TOKENS_SHOWN], *("" for _ in more)]
        yield from _table(["example", *tokens, *more], [["", *labels]])
    else:
        label = f" → {_short(example.label)}" if example.label is not None else ""
        yield f"example: {' | '.join([*tokens, *more])}{label}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    lines = [list(map(_flat, line)) for line in (header, *rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(header))]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _short(text: str) -> str:
    flat = _flat(text)
    return flat if len(flat) <= TEXT_SHOWN else f"{flat[:TEXT_SHOWN]}…"


def _flat(text: str) -> str:
    """The text on one line, for its line ends are not those of the report."""
    return " ".join(text.splitlines())
