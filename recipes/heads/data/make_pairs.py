"""Writes pairs.csv and choices.csv: made-up pairs of sentences, and questions with three choices.

python make_pairs.py
"""

import csv
import random
from pathlib import Path

COLOURS = ("red", "green", "blue", "white")
THINGS = ("cup", "door", "coat", "chair", "boat", "lamp")
KINDS = {
    "animal": ("dog", "cat", "horse", "sheep", "goat", "mouse"),
    "fruit": ("apple", "pear", "plum", "cherry", "lemon", "grape"),
    "tool": ("hammer", "saw", "drill", "spade", "axe", "knife"),
    "number": ("two", "three", "seven", "nine", "ten", "twelve"),
}
PAIRS, QUESTIONS = 360, 360


def pair(number: int, rng: random.Random) -> dict[str, str]:
    """Two sentences of one thing: of the same colour, of another, or of another thing altogether."""
    label = ("same", "another", "unrelated")[number % 3]
    thing, colour = rng.choice(THINGS), rng.choice(COLOURS)
    other_colour = rng.choice([each for each in COLOURS if each != colour])
    other_thing = rng.choice([each for each in THINGS if each != thing])
    said = {
        "same": f"{colour} is the {thing}",
        "another": f"{other_colour} is the {thing}",
        "unrelated": f"{rng.choice(COLOURS)} is the {other_thing}",
    }
    return {"premise": f"the {thing} is {colour}", "hypothesis": said[label], "label": label}


def question(number: int, rng: random.Random) -> dict[str, str]:
    """Which of three words is of a kind; every fourth question has two choices only."""
    kind = sorted(KINDS)[number % len(KINDS)]
    others = [rng.choice(KINDS[each]) for each in rng.sample(sorted(set(KINDS) - {kind}), 2)]
    right = rng.choice(KINDS[kind])
    choices = rng.sample([right, *others], 3)
    place = choices.index(right)
    if number % 4 == 3:
        choices[(place + 1) % 3] = ""
    cells = dict(zip(("a", "b", "c"), choices, strict=True))
    return {"question": f"which is the {kind}", **cells, "answer": "abc"[place]}


def write(name: str, rows: list[dict[str, str]]) -> None:
    """Write rows beside this script."""
    with Path(__file__).with_name(name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Write both files."""
    rng = random.Random(7)  # noqa: S311  reproducible on purpose
    write("pairs.csv", [pair(number, rng) for number in range(PAIRS)])
    write("choices.csv", [question(number, rng) for number in range(QUESTIONS)])


if __name__ == "__main__":
    main()
