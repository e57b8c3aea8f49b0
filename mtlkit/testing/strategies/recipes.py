"""Recipes as TOML text: valid ones, on the tiny backbone and on two small files of rows."""

import csv
import json
from pathlib import Path
from random import Random
from typing import Any

import tomli_w
from hypothesis import strategies as st

Table = dict[str, Any]
ROWS, TABLE = "rows.jsonl", "table.csv"
TASKS = ("sentiment", "news", "head", "layer-1", "layer-10", "x_1")
WORDS = ("good", "bad", "fine", "poor", "great", "awful", "plain", "odd")
SELECTORS = ("backbone", "embeddings", "blocks[0:1]", "type:norm", "backbone.*.bias", "backbone & !type:norm")
METRICS = {
    "sequence-classification": ("accuracy", "macro-f1"),
    "token-classification": ("entity-f1", "token-accuracy"),
}

RATES = st.sampled_from((0.0, 1e-5, 1e-3, 0.01))
SHARES = st.sampled_from((0.0, 0.1, 0.5, 0.9))
LENGTHS = st.sampled_from(("0st", "2st", "1ep", "0.5ep", "10%"))
POOLING = st.sampled_from(("mean", "cls", "max"))
UNITS = st.sampled_from(("batch", "row"))


def recipes() -> st.SearchStrategy[str]:
    """Valid recipes: 1 to 4 tasks of the built-in heads on one or two sources, everything else varied.

    The sources are files beside the recipe, which `write_rows` writes. The heads always train.
    """
    return recipe_tables().map(tomli_w.dumps)


def write_rows(folder: Path, rows: int = 40) -> None:
    """The two files that the recipes read, always the same: `table.csv` and `rows.jsonl`."""
    rng = Random(rows)  # noqa: S311  reproducible on purpose
    records: list[Table] = []
    for number in range(rows):
        words = [rng.choice(WORDS) for _ in range(rng.randint(1, 6))]
        records.append(
            {
                "text": " ".join(words),
                "text_pair": " ".join(words[::-1]) + f" {number}",
                "label": ("positive", "negative")[number % 2],
                "score": number / rows,
                "tokens": words,
                "tags": ["B-WORD" if word < "g" else "O" for word in words],
            }
        )
    lines = [json.dumps(record) + "\n" for record in records]
    (folder / ROWS).write_text("".join(lines), encoding="utf-8")
    with (folder / TABLE).open("w", encoding="utf-8", newline="") as stream:
        columns = ["text", "text_pair", "label"]
        writer = csv.DictWriter(stream, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(records)


@st.composite
def recipe_tables(draw: st.DrawFn) -> Table:
    """The recipes as nested tables."""
    names = draw(st.lists(st.sampled_from(TASKS), min_size=1, max_size=4, unique=True))
    sources = draw(_sources())
    table: Table = {"name": draw(st.sampled_from(("run", "a-run.2"))), "backbone": draw(_backbone())}
    table["data"] = sources
    table["tasks"] = {name: draw(_task(sources)) for name in names}
    parts: Table = {
        "seed": st.integers(0, 2**40),
        "freeze": _freeze(),
        "lr": _lr(names),
        "optimizer": _optimizer(),
        "sampler": _sampler(),
        "balancer": _balancer(names),
        "training": _training(),
        "logging": st.fixed_dictionaries({"every": LENGTHS}),
    }
    table |= draw(st.fixed_dictionaries({}, optional=parts))
    metrics = [
        f"{name}/{metric}"
        for name, task in table["tasks"].items()
        if sources[task["data"]].get("split", {}).get("validation")
        for metric in METRICS.get(task["head"]["use"], ())
    ]
    if draw(st.booleans()) and metrics:
        table["selection"] = {"metric": draw(st.sampled_from(metrics)), "mode": "max"}
    return table


def _use(name: str, required: Table | None = None, **optional: Any) -> st.SearchStrategy[Table]:  # noqa: ANN401
    always: Table = {"use": st.just(name), **(required or {})}
    return st.fixed_dictionaries(always, optional=optional)


def _backbone() -> st.SearchStrategy[Table]:
    small = {"hidden_size": st.sampled_from((4, 8)), "blocks": st.integers(1, 3), "vocabulary": st.just(16)}
    return _use("tiny", small, heads=st.integers(1, 2), max_length=st.just(8), dropout=SHARES)


def _sources() -> st.SearchStrategy[Table]:
    split = st.fixed_dictionaries(
        {"validation": st.sampled_from((0.1, 0.2))}, optional={"test": st.just(0.1), "salt": st.just("a")}
    )
    more = {"split": split, "limit": st.fixed_dictionaries({"train": st.just(30)})}  # a table for each
    rows = _use("jsonl", {"path": st.just(ROWS)}, **more)
    table = _use("csv", {"path": st.just(TABLE)}, delimiter=st.just(","), header=st.just(True), **more)
    return st.fixed_dictionaries({"rows": rows}, optional={"table": table})


@st.composite
def _task(draw: st.DrawFn, sources: Table) -> Table:
    source = draw(st.sampled_from(sorted(sources)))
    heads = [_sequence(), _embedding(), *([_tokens()] if source == "rows" else [])]
    task = {"data": source, "head": draw(st.one_of(heads))}
    return {**task, "weight": draw(st.sampled_from((0.5, 2.0)))} if draw(st.booleans()) else task


def _sequence() -> st.SearchStrategy[Table]:
    return _use(
        "sequence-classification",
        text=st.sampled_from(("text", ["text", "text_pair"])),
        labels=st.just(["negative", "positive"]),
        pooling=POOLING,
        dropout=SHARES,
        hidden=st.integers(0, 4),
        label_smoothing=SHARES,
    )


def _tokens() -> st.SearchStrategy[Table]:
    return _use(
        "token-classification", subword=st.sampled_from(("first", "last", "mean")), label=st.just("tags")
    )


def _embedding() -> st.SearchStrategy[Table]:
    return _use(
        "sentence-embedding",
        first=st.just("text"),
        normalize=st.booleans(),
        pooling=POOLING,
        dim=st.integers(0, 3),
    )


def _freeze() -> st.SearchStrategy[Any]:
    selectors = st.lists(st.sampled_from(SELECTORS), min_size=1, max_size=2, unique=True)
    ends = st.lists(st.integers(1, 9), max_size=2, unique=True).map(sorted)
    stages = ends.flatmap(
        lambda steps: st.tuples(
            *(st.fixed_dictionaries({"until": st.just(f"{step}st"), "freeze": selectors}) for step in steps),
            st.fixed_dictionaries({}, optional={"freeze": selectors, "name": st.just("last")}),
        ).map(list)
    )
    one = st.one_of(
        _use("none"),
        _use("backbone"),
        _use("embeddings"),
        _use("bottom-layers", {"layers": st.integers(0, 3)}, embeddings=st.booleans()),
        _use("top-layers", {"share": SHARES}, final=st.booleans()),
        _use(
            "gradual-unfreeze",
            {"every": st.sampled_from(("2st", "0.5ep", "25%"))},
            group_size=st.integers(1, 2),
            start=LENGTHS,
        ),
        _use("pattern", {"freeze": selectors}, train=st.just(["type:norm"])),
        _use("phases", {"phases": stages}),
    )
    return st.one_of(one, st.lists(one, min_size=1, max_size=2))


def _lr(tasks: list[str]) -> st.SearchStrategy[Table]:
    per_task = st.dictionaries(st.sampled_from(tasks), RATES, min_size=1)
    fall: Table = {"floor": SHARES, "warmup": LENGTHS}
    curve = st.one_of(
        st.sampled_from(("constant", "linear", "cosine")),
        _use("constant", warmup=LENGTHS),
        _use("linear", **fall),
        _use("cosine", **fall),
    )
    layers = {"embeddings": RATES, "blocks": RATES, "heads": RATES}
    return st.one_of(
        _use("uniform", peak=RATES, curve=curve),
        _use("layer-wise", layers, final=RATES, per_task=per_task, curve=curve),
        _use("layer-decay", {"peak": RATES}, decay=st.sampled_from((0.5, 1.0)), curve=curve),
    )


def _optimizer() -> st.SearchStrategy[Table]:
    betas = st.sampled_from(([0.9, 0.999], [0.0, 0.5]))
    exempt = st.lists(st.sampled_from(("type:bias", "type:norm")), unique=True)
    momentum = {"momentum": st.just(0.9)}
    return st.one_of(
        _use("adamw", betas=betas, eps=st.just(1e-6), weight_decay=SHARES, no_decay=exempt),
        _use("sgd", momentum, nesterov=st.booleans(), weight_decay=SHARES),
    )


def _sampler() -> st.SearchStrategy[Table]:
    plain = [_use(name, unit=UNITS) for name in ("proportional", "uniform", "round-robin")]
    warm = _use("temperature", temperature=st.sampled_from((1.0, 5.0)), cap=st.integers(1, 99), unit=UNITS)
    return st.one_of(*plain, warm)


def _balancer(tasks: list[str]) -> st.SearchStrategy[Table]:
    factors = st.dictionaries(st.sampled_from(tasks), st.sampled_from((0.5, 2.0)), min_size=1)
    return st.one_of(_use("sum"), _use("static", {"per_task": factors}))


def _training() -> st.SearchStrategy[Table]:
    return st.fixed_dictionaries(
        {"length": st.sampled_from(("1ep", "2ep", "7st"))},
        optional={
            "batch_size": st.integers(1, 16),
            "accumulate": st.integers(1, 2),
            "max_tokens": st.sampled_from((16, 100)),
            "precision": st.sampled_from(("fp32", "auto")),
            "batching": st.sampled_from(("random", "buckets")),
            "grad_clip": st.sampled_from((False, 0.5)),
            "evaluate_every": st.sampled_from((False, "1ep", "3st")),
            "checkpoint_every": st.sampled_from((False, "3st")),
            "keep": st.integers(2, 4),
            "on_nonfinite": st.sampled_from(("stop", "skip")),
        },
    )
