"""The rows a peer trains on, tokenised as its documentation does it."""

import json
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

MAX_LENGTH = 128


def told(params: dict[str, Any]) -> dict[str, Any]:
    """The file that mtlkit's side wrote: the model's folder, and rows by source."""
    read: dict[str, Any] = json.loads(Path(params["data"]).read_text(encoding="utf-8"))
    return read


def tokenizer(data: dict[str, Any]) -> Any:
    """The model's tokenizer."""
    return AutoTokenizer.from_pretrained(data["model"], model_max_length=MAX_LENGTH)


def classified(tokens: Any, texts: list[str], labels: list[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """Texts as token ids with the number of their label, and the labels."""
    names = sorted(set(labels))
    ids = tokens(texts, truncation=True)["input_ids"]
    items = [{"input_ids": row, "labels": names.index(label)} for row, label in zip(ids, labels, strict=True)]
    return items, names


def tagged(
    tokens: Any, words: list[list[str]], tags: list[list[str]]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Lists of words as token ids with a tag's number at the first token of each word, -100 elsewhere."""
    names = sorted({tag for row in tags for tag in row})
    encoded = tokens(words, is_split_into_words=True, truncation=True)
    items = []
    for number, row in enumerate(tags):
        places = encoded.word_ids(number)
        first = [at for at, place in enumerate(places) if place is not None and place != places[at - 1]]
        numbers = [-100] * len(places)
        for at in first:
            numbers[at] = names.index(row[places[at]])
        items.append({"input_ids": encoded["input_ids"][number], "labels": numbers})
    return items, names


def sentiment(tokens: Any, data: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """The reviews."""
    rows = data["sources"]["reviews"]
    return classified(tokens, [row["text"] for row in rows], [row["label"] for row in rows])


def news(tokens: Any, data: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """The articles, by folder."""
    rows = data["sources"]["articles"]
    return classified(tokens, [row["text"] for row in rows], [row["folder"] for row in rows])


def entities(tokens: Any, data: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """The sentences with tagged words."""
    rows = data["sources"]["mentions"]
    return tagged(tokens, [row["tokens"] for row in rows], [row["tags"] for row in rows])
