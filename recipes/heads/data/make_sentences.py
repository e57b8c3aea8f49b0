"""Writes sentences.jsonl and answers.jsonl: made-up sentences for the heads that read words, and questions.

python make_sentences.py

Who did what to which thing where, in the active or the passive voice. Of each sentence: tags of names (BIO),
labels of words, spans that may nest with their labels, the roles of given spans, the relation of two spans,
and the tree of its words. Some labels are missing on purpose.
"""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Span = list[int]

FIRST = ("Ada", "Ben", "Cleo", "Dara", "Emil", "Flora")
LAST = ("Ashby", "Brook", "Marsh", "Hill", "Stone")
# Places and last names look alike.
PLACES = (("Leeds",), ("New", "Brook"), ("Marsh",), ("Stone", "Hill"), ("Ashby",))
THINGS = ("barn", "boat", "clock", "bridge", "lamp", "gate")
LOOKS = ("old", "red", "small", "grand")
VERBS = {"painted": "made", "built": "made", "burned": "harmed", "sank": "harmed"}
SENTENCES, QUESTIONS = 260, 300
FILLERS = ("it was a quiet day", "nobody spoke of it", "the weather was fine", "they were late again")


class Sentence:
    """Words that are added one by one, each with its labels, its head and its relation."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.labels: list[list[str]] = []
        self.heads: list[int] = []
        self.relations: list[str] = []

    def add(self, word: str, labels: list[str], relation: str) -> int:
        """Add a word; its number, from 1."""
        self.tokens.append(word)
        self.labels.append(labels)
        self.relations.append(relation)
        self.heads.append(0)
        return len(self.tokens)

    def hang(self, words: Sequence[int], head: int) -> None:
        """Make words depend on another."""
        for word in words:
            self.heads[word - 1] = head


def person(sentence: Sentence, rng: random.Random, relation: str) -> tuple[int, Span]:
    """Add a first name, and mostly a last name; the word that others depend on, and the span."""
    begin = len(sentence.tokens)
    first = sentence.add(rng.choice(FIRST), ["noun", "name"], relation)
    if rng.random() < 0.6:
        sentence.hang([sentence.add(rng.choice(LAST), ["noun", "name"], "flat")], first)
    return first, [begin, len(sentence.tokens)]


def thing(sentence: Sentence, rng: random.Random, relation: str) -> tuple[int, Span, Span | None]:
    """Add a thing, and mostly its place; the word that others depend on, the span, and that of the place."""
    begin = len(sentence.tokens)
    inner = [sentence.add("the", ["function"], "det")]
    if rng.random() < 0.7:
        inner.append(sentence.add(rng.choice(LOOKS), ["look"], "amod"))
    noun = sentence.add(rng.choice(THINGS), ["noun"], relation)
    place = None
    if rng.random() < 0.6:
        case = sentence.add("in", ["function"], "case")
        at = len(sentence.tokens)
        words = [sentence.add(word, ["noun", "name", "place"], "flat") for word in rng.choice(PLACES)]
        place = [at, len(sentence.tokens)]
        sentence.relations[words[0] - 1] = "nmod"
        sentence.hang([*words[1:], case], words[0])
        inner.append(words[0])
    sentence.hang(inner, noun)
    return noun, [begin, len(sentence.tokens)], place


def sentence_row(number: int) -> dict[str, Any]:
    """A sentence with labels of all kinds."""
    rng = random.Random(f"sentence {number}")  # noqa: S311  reproducible on purpose
    made, verb, passive = Sentence(), rng.choice(list(VERBS)), rng.random() < 0.5
    if passive:
        what, thing_span, place = thing(made, rng, "nsubj")
        helper = made.add("was", ["function", "verb"], "aux")
        root = made.add(verb, ["verb"], "root")
        by = made.add("by", ["function"], "case")
        who, person_span = person(made, rng, "obl")
        made.hang([by], who)
        made.hang([what, helper, who], root)
    else:
        who, person_span = person(made, rng, "nsubj")
        root = made.add(verb, ["verb"], "root")
        what, thing_span, place = thing(made, rng, "obj")
        made.hang([who, what], root)
    made.heads[root - 1] = 0
    entities = [(person_span, "PER"), (thing_span, "THING"), *([(place, "LOC")] if place else [])]
    tags = ["O"] * len(made.tokens)
    for (begin, end), label in (entity for entity in entities if entity[1] != "THING"):
        tags[begin:end] = [f"B-{label}", *[f"I-{label}"] * (end - begin - 1)]
    relation = VERBS[verb]
    forward = rng.random() < 0.5
    gap = rng.random() < 0.1
    return {
        "tokens": made.tokens,
        "tags": [None if gap and place == 0 else tag for place, tag in enumerate(tags)],
        "labels": [None if gap and place == 0 else labels for place, labels in enumerate(made.labels)],
        "entities": [span for span, _ in sorted(entities)],
        "kinds": None if gap else [label for _, label in sorted(entities)],
        "phrases": [thing_span, person_span],
        "roles": ["subject" if passive else "object", None if gap else "agent" if passive else "subject"],
        "first": [person_span if forward else thing_span],
        "second": [thing_span if forward else person_span],
        "relation": [relation if forward else f"{relation} by"],
        "heads": made.heads,
        "relations": made.relations,
    }


def question_row(number: int) -> dict[str, Any]:
    """Who, what or where, and a sentence behind none to four others."""
    rng = random.Random(f"question {number}")  # noqa: S311  reproducible on purpose
    made = Sentence()
    _, person_span = person(made, rng, "")
    made.add(rng.choice(list(VERBS)), [], "")
    _, thing_span, place = thing(made, rng, "")
    sentence = " ".join(made.tokens)
    spans = {"who": person_span, "what": [*thing_span], "where": place}
    if place:
        spans["what"] = [thing_span[0], place[0] - 1]
    asked = rng.choice(list(spans))
    before = [rng.choice(FILLERS) for _ in range(rng.randint(0, 4))]
    context = ", ".join([*before, sentence]) + "."
    answers: list[str] = []
    starts: list[int] = []
    if found := spans[asked]:
        begin, end = found
        offset = context.index(sentence) + len(" ".join([*made.tokens[:begin], ""]))
        answers, starts = [" ".join(made.tokens[begin:end])], [offset]
    return {"question": f"{asked} was it?", "context": context, "answers": answers, "starts": starts}


def write(name: str, rows: list[dict[str, Any]]) -> None:
    """One JSON object a line."""
    lines = [json.dumps(row, separators=(",", ":")) for row in rows]
    (Path(__file__).parent / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write("sentences.jsonl", [sentence_row(number) for number in range(SENTENCES)])
    write("answers.jsonl", [question_row(number) for number in range(QUESTIONS)])
