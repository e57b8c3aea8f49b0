"""Small data sets in each format, written for the conformance kit: files, and the options that read them."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mtlkit.contracts.data import Record

Table = dict[str, Any]
ROWS: tuple[Mapping[str, str], ...] = (
    {"text": "a fine film", "label": "good"},
    {"text": 'they said "no", twice', "label": "bad"},
    {"text": "Zürich, ☃ and 漢字", "label": "good"},
    {"text": "007", "label": "NA"},
    {"text": "one more, of two words", "label": "bad"},
)
SENTENCES = (
    (("Ada", "B-PER"), ("Lovelace", "I-PER"), ("wrote", "O")),
    (("Zürich", "B-LOC"),),
    (("nothing", "O"), ("here", "O")),
)


def write_csv(folder: Path, rows: Sequence[Record]) -> Table:
    """`rows.csv`, with quotes where they are needed."""
    path = folder / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return {"path": str(path)}


def write_jsonl(folder: Path, rows: Sequence[Record]) -> Table:
    """`rows.jsonl`."""
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(dict(row)) + "\n" for row in rows), encoding="utf-8")
    return {"path": str(path)}


def write_parquet(folder: Path, rows: Sequence[Record]) -> Table:
    """`rows.parquet`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "rows.parquet"
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
    return {"path": str(path)}


def write_text_folder(folder: Path, rows: Sequence[Record]) -> Table:
    """A sub-folder for each label, a file for each text."""
    for number, row in enumerate(rows):
        path = folder / "texts" / row["label"] / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(row["text"], encoding="utf-8")
    return {"path": str(folder / "texts")}


def write_conll(folder: Path) -> Table:
    """`sentences.conll`: a token and a tag a line."""
    path = folder / "sentences.conll"
    blocks = ["".join(f"{token}\t{tag}\n" for token, tag in sentence) for sentence in SENTENCES]
    path.write_text("\n".join(blocks), encoding="utf-8")
    return {"path": str(path)}


def write_hub(folder: Path) -> Table:
    """A data set as the hub keeps it, with one split."""
    path = folder / "corpus"
    path.mkdir()
    written = Path(write_parquet(path, ROWS)["path"])
    written.rename(path / "train.parquet")
    return {"name": str(path)}
