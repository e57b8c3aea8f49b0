"""Small data sets in each format, written for the conformance kit: files, and the options that read them."""

import csv
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
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
TREES = (
    (
        "a",
        (
            "1-2 don't _ _ _ _ _ _ _ _",
            "1 do do AUX VBP Mood=Ind 3 aux _ _",
            "2 n't not PART RB _ 3 advmod _ _",
            "3 go go VERB VB _ 0 root _ SpaceAfter=No",
        ),
    ),
    (
        "b",
        (
            "1 Zürich Zürich PROPN NNP _ 0 root _ _",
            "1.1 lies lie VERB _ _ _ _ 0:root _",
            "2 here here ADV RB _ 1 orphan _ _",
        ),
    ),
)


def write_csv(folder: Path, rows: Sequence[Record], name: str = "rows.csv", delimiter: str = ",") -> Table:
    """`rows.csv` or `rows.tsv`, with quotes."""
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(
            file, list(rows[0]), delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n"
        )
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


def write_arrow(folder: Path, rows: Sequence[Record]) -> Table:
    """`rows.arrow`, in the format with random access."""
    import pyarrow as pa

    path = folder / "rows.arrow"
    table = pa.Table.from_pylist([dict(row) for row in rows])
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return {"path": str(path)}


def write_sqlite(folder: Path, rows: Sequence[Record]) -> Table:
    """`rows.sqlite` with one table."""
    path = folder / "rows.sqlite"
    names = list(rows[0])
    quoted = ", ".join(f'"{name}"' for name in names)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE sample (id INTEGER PRIMARY KEY, {quoted})")
        marks = ", ".join("?" for _ in names)
        connection.executemany(
            f"INSERT INTO sample ({quoted}) VALUES ({marks})",  # noqa: S608  names of our own
            [[row[name] for name in names] for row in rows],
        )
    return {"path": str(path), "query": f"SELECT {quoted} FROM sample ORDER BY id"}  # noqa: S608


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


def write_conllu(folder: Path) -> Table:
    """`trees.conllu`: a sentence with a multi-word token, and one with an empty node."""
    path = folder / "trees.conllu"
    path.write_text("\n".join(map(_tree, TREES)), encoding="utf-8")
    return {"path": str(path), "metadata": ["sent_id"]}


def _tree(tree: tuple[str, tuple[str, ...]]) -> str:
    name, lines = tree
    rows = [line.replace(" ", "\t") for line in lines]
    return "".join(f"{line}\n" for line in (f"# sent_id = {name}", *rows))


def write_squad(folder: Path) -> Table:
    """`questions.json`: a passage with two questions, of which one has no answer."""
    path = folder / "questions.json"
    passage = "Ada Lovelace wrote the first program in 1843, about Zürich ☃."
    answer = {"text": "1843", "answer_start": passage.index("1843")}
    questions = [
        {"id": "1", "question": "When was it?", "is_impossible": False, "answers": [answer]},
        {"id": "2", "question": "How long was it?", "is_impossible": True, "answers": []},
    ]
    article = {"title": "Programs", "paragraphs": [{"context": passage, "qas": questions}]}
    path.write_text(json.dumps({"version": "v2.0", "data": [article]}, indent=1), encoding="utf-8")
    return {"path": str(path)}


def write_hub(folder: Path) -> Table:
    """A data set as the hub keeps it, with one split."""
    path = folder / "corpus"
    path.mkdir()
    written = Path(write_parquet(path, ROWS)["path"])
    written.rename(path / "train.parquet")
    return {"name": str(path)}
