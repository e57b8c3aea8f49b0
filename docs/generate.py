"""Write the reference pages about heads, freezing, rates and data from the plugins' cards and docstrings.

`make docs-reference` runs it. What a page says of a plugin stands beside the plugin: in its card, in the
docstring of its options class, and in the help texts of its options. Paragraphs of the docstring that begin
with `Helps:` and `Does not help:` say when to take it and when not.
"""

import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from inspect import cleandoc
from pathlib import Path
from typing import Any

from attrs import frozen

from mtlkit.builtin.curves.constant import Constant
from mtlkit.builtin.freeze.none import FreezeNone
from mtlkit.builtin.lr.uniform import Uniform
from mtlkit.catalog.catalog import Entry
from mtlkit.catalog.discover import open_catalog
from mtlkit.catalog.options import make_options
from mtlkit.cli.plugins import facts_of, option_columns
from mtlkit.contracts.card import PluginKind
from mtlkit.contracts.params import BACKBONE, Kind, ParamTable, Role, Row
from mtlkit.outputs.plan_drawing import plan_drawing
from mtlkit.plan.timeline import Timeline
from mtlkit.recipe.model import DataTable, FoldTable, PairTable, SplitTable, Table, WhereTable

FOLDER = Path(__file__).parent / "reference"
RECIPES = Path(__file__).parents[1] / "recipes" / "heads"
BLOCKS, STEPS, STEPS_PER_EPOCH, WIDTH = 6, 100, 10, 86
TASKS = ("sentiment", "news")
HELPS, HINDERS = "Helps:", "Does not help:"
UNKNOWN = "no evidence known to us."
NOTE = "<!-- Made by `make docs-reference` from cards and docstrings of the plugins: change those. -->"
PICTURES = """\
The pictures are what `mtlkit plan` draws for a BERT-like backbone of 6 blocks, with LoRA pairs on its
queries, and two tasks, over 100 steps in 10 epochs: a row for each layer, a character for one or two steps,
higher blocks for higher rates, dots for what is frozen, digits for rows of which only a part trains. Like
every plan they are drawn without measurements: what waits for one waits to the end."""
FREEZING = """\
Which weights train when. Freeze policies listed in `[[freeze]]` work together: a weight trains where all of
them say so. Regularizers freeze softly: they pull weights that train towards where they started. What
freezing guarantees is in [Frozen means frozen](../explanation/frozen-means-frozen.md). Buffers go with the
weights: in a module whose weights are all frozen, the running statistics of a batch norm stay as they are,
and dropout is off. What becomes of a head that stands still while the backbone trains is said in
[`[guards]`](recipe.md#guards)."""
RATES = """\
How fast weights learn. A schedule puts weights into groups and gives each a rate, a curve is a factor on
all of them over the run, and the optimizer makes a step of a gradient and a rate."""

HEADS = """\
What is learned. A task has one head, in `[tasks.NAME.head]`: a module on top of the features that the
backbone yields, which all heads that read the same rows share. A row without a label is not learned from.
Columns and metrics are those of the recipe below each head; what metrics mean is in [Metrics](metrics.md).
Which head to take is in [Choose a head](../how-to/choose-a-head.md)."""
DATA = """\
Where rows come from and what is made of them. A `[data.NAME]` table names a source with `use`; the other
keys are those of every source and the options of this one. Sources read a few rows at a time: of text files
the places of rows are kept (16 bytes each), Parquet and Arrow are memory-mapped, and copies that are needed
lie in the folder for temporary files (`TMPDIR`). How to use them is in
[Use your data](../how-to/use-your-data.md)."""


@frozen
class Page:
    """A page of the reference: its file, how it begins, and the kinds of plugins it lists.

    `tables` are tables of recipes whose keys it lists first; `judged` says whether plugins are told when to
    take them and when not, and drawn where they can be.
    """

    file: str
    title: str
    intro: str
    kinds: tuple[tuple[PluginKind, str], ...]
    tables: tuple[tuple[type[Table], str], ...] = ()
    judged: bool = True


PAGES = (
    Page("heads.md", "Heads", HEADS, (("head", "Heads"),), judged=False),
    Page(
        "freezing.md",
        "Freezing",
        FREEZING,
        (("freeze", "Freeze policies"), ("regularizer", "Regularizers")),
    ),
    Page(
        "rates.md",
        "Rates",
        RATES,
        (("lr", "Schedules"), ("curve", "Curves"), ("optimizer", "Optimizers")),
    ),
    Page(
        "data.md",
        "Data",
        DATA,
        (("data", "Sources"),),
        (
            (DataTable, "Keys of every source"),
            (SplitTable, "split"),
            (WhereTable, "where.COLUMN"),
            (FoldTable, "fold"),
            (PairTable, "pair"),
        ),
        judged=False,
    ),
)


def pages() -> Mapping[str, str]:
    """The text of every page by its file name."""
    entries = [entry for entry in open_catalog().entries if entry.distribution == "mtlkit"]
    return {page.file: "\n\n".join(_page(page, entries)) + "\n" for page in PAGES}


def _page(page: Page, entries: Sequence[Entry]) -> Iterator[str]:
    yield NOTE
    yield f"# {page.title}"
    yield page.intro
    if page.judged:
        yield PICTURES
    for table, heading in page.tables:
        yield f"## {heading}"
        yield _table(("key", "default", "meaning"), list(_keys(table)))
    for kind, heading in page.kinds:
        yield f"## {heading}"
        for entry in sorted(
            (each for each in entries if each.card.kind == kind), key=lambda each: each.card.name
        ):
            yield from _card(entry, page.judged)


def _keys(table: type[Table]) -> Iterator[tuple[str, str, str]]:
    """The keys of a table of recipes, their defaults and what they mean."""
    for name, field in table.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = "required" if field.is_required() else "" if default in ({}, [], "", None) else repr(default)
        shown = "" if isinstance(default, Table) else shown
        yield f"`{name}`", shown, field.description or ""


def _card(entry: Entry, judged: bool) -> Iterator[str]:
    facts = facts_of(entry)
    about, helps, hinders = sections(facts["help"])
    yield f"### {facts['name']}"
    yield f"*{facts['summary']}*"
    yield about
    if judged:
        yield f"**When it helps:** {helps or UNKNOWN}"
        yield f"**When it does not:** {hinders or UNKNOWN}"
    if facts["options"]:
        yield _table(*option_columns([_without_choices(option) for option in facts["options"]]))
    if entry.card.kind == "head":
        yield _read_and_measured(entry)
    if facts["paper"]:
        yield f"Paper: {facts['paper']}."
    yield f"```toml\n{facts['recipe']}\n```"
    for option in facts["options"]:
        for choice in _choices(option):
            yield from _choice(option, choice)
    drawn = picture(entry)
    if drawn:
        yield f"```text\n{drawn}\n```"


def _read_and_measured(entry: Entry) -> str:
    """The columns that a head reads and the metrics that it measures, in its example."""
    options = make_options(entry, entry.card.example, Path())
    columns = ", ".join(f"`{column}` ({name})" for name, column in options.columns().items())
    metrics = ", ".join(f"`{name}`" for name in options.metrics())
    shipped = sorted(path for path in RECIPES.glob("*.toml") if _uses(path, entry.card.name))
    found = f"Columns: {columns}.\n\nMetrics: {metrics}."
    if shipped:
        listed = ", ".join(f"`recipes/heads/{path.name}`" for path in shipped)
        found += f"\n\nRecipes that learn something with it: {listed}."
    return found


def _uses(path: Path, head: str) -> bool:
    tasks = tomllib.loads(path.read_text(encoding="utf-8"))["tasks"].values()
    return any(task["head"]["use"] == head for task in tasks)


def _without_choices(option: Mapping[str, Any]) -> Mapping[str, Any]:
    """An option without what it chooses between, where each of these has a section of its own."""
    return {key: value for key, value in option.items() if key != "fields"} if _choices(option) else option


def _choices(option: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [each for each in option.get("fields", ()) if each["name"].startswith("(")]


def _choice(option: Mapping[str, Any], choice: Mapping[str, Any]) -> Iterator[str]:
    yield f'#### {option["name"]} = "{choice["name"].strip("()")}"'
    yield cleandoc(choice["about"])
    if choice.get("fields"):
        yield _table(*option_columns(choice["fields"]))


def sections(docstring: str) -> tuple[str, str, str]:
    """What a docstring says about the plugin, when it helps, and when it does not."""
    found: dict[str, list[str]] = {"": [], HELPS: [], HINDERS: []}
    at = ""
    for line in docstring.split("\n"):
        marker = next((each for each in (HELPS, HINDERS) if line.startswith(each)), None)
        at = marker or (at if line.strip() else "")
        found[at].append(line.removeprefix(marker or "").rstrip())
    about = "\n".join(found[""]).strip()
    return about, " ".join(found[HELPS]).strip(), " ".join(found[HINDERS]).strip()


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def picture(entry: Entry) -> str:
    """The timeline of the card's example, all else as plain as it can be; empty for other kinds."""
    kind = entry.card.kind
    if kind not in ("freeze", "lr", "curve"):
        return ""
    plugin: Any = make_options(entry, entry.card.example, Path())
    named = _tasks(plugin)
    timeline = Timeline(
        policies=(plugin if kind == "freeze" else FreezeNone(),),
        schedule=plugin if kind == "lr" else Uniform(),
        curve=plugin if kind == "curve" else Constant(),
        table=bert(tuple(dict.fromkeys((*named, *TASKS)))[: max(len(TASKS), len(named))]),
        total=STEPS,
        steps_per_epoch=STEPS_PER_EPOCH,
    )
    return plan_drawing(timeline, tuple(timeline.moments()), WIDTH)


def _tasks(plugin: Any) -> tuple[str, ...]:  # noqa: ANN401  a policy, a schedule or a curve
    """The tasks that its options name."""
    metrics = plugin.metrics() if hasattr(plugin, "metrics") else ()
    tasks = plugin.tasks() if hasattr(plugin, "tasks") else ()
    return tuple(dict.fromkeys((*tasks, *(metric.partition("/")[0] for metric in metrics))))


def bert(tasks: Sequence[str]) -> ParamTable:
    """The weights of a small BERT with adapters, as names, shapes and places."""
    hidden = 8
    rows = [
        _row("embeddings.word_embeddings.weight", (100, hidden), 0, "embedding"),
        _row("embeddings.LayerNorm.weight", (hidden,), 0, "norm"),
    ]
    for depth in range(1, BLOCKS + 1):
        path = f"encoder.layer.{depth - 1}"
        for part in (
            "attention.self.query",
            "attention.self.key",
            "attention.self.value",
            "attention.output.dense",
        ):
            rows += _dense(f"{path}.{part}", hidden, depth)
        rows += [
            _row(
                f"{path}.attention.self.query.lora_A.default.weight",
                (2, hidden),
                depth,
                "weight",
                adapter=True,
            ),
            _row(
                f"{path}.attention.self.query.lora_B.default.weight",
                (hidden, 2),
                depth,
                "weight",
                adapter=True,
            ),
            _row(f"{path}.attention.output.LayerNorm.weight", (hidden,), depth, "norm"),
            *_dense(f"{path}.intermediate.dense", hidden, depth),
            *_dense(f"{path}.output.dense", hidden, depth),
            _row(f"{path}.output.LayerNorm.weight", (hidden,), depth, "norm"),
        ]
    rows += _dense("pooler.dense", hidden, BLOCKS + 1)
    for task in tasks:
        path = f"heads.{task}.classifier"
        rows += [
            Row(f"{path}.weight", (2, hidden), task, "head", BLOCKS + 2, "weight"),
            Row(f"{path}.bias", (2,), task, "head", BLOCKS + 2, "bias"),
        ]
    return ParamTable(tuple(rows), BLOCKS)


def _dense(path: str, hidden: int, depth: int) -> list[Row]:
    return [
        _row(f"{path}.weight", (hidden, hidden), depth, "weight"),
        _row(f"{path}.bias", (hidden,), depth, "bias"),
    ]


def _row(path: str, shape: tuple[int, ...], depth: int, kind: Kind, *, adapter: bool = False) -> Row:
    role: Role = "embeddings" if depth == 0 else "final" if depth > BLOCKS else "block"
    return Row(f"backbone.{path}", shape, BACKBONE, role, depth, kind, adapter=adapter)


def main() -> None:
    """Write the pages."""
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")
        sys.stdout.write(f"{FOLDER / name}\n")


if __name__ == "__main__":
    main()
