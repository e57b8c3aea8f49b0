"""Write alike.jsonl: texts about four things each, what else is about the same, and how near others are.

Every thing has two names. `text` uses the first ones, `answer`, `negative` and `other` the second ones: that
they belong together has to be learned. `answer` is about the same things, `negative` about one of them; of
`other`, `score` is the share that is of the topic of `text`. `names` lists the names of `text`, `group` is
the topic that most of the things are of, and `teacher` says how many of each topic there are.
"""

import json
import random
from pathlib import Path

TOPICS = ("kitchen", "garden", "harbour", "school")
SIZE, THINGS, ROWS = 5, 4, 320
FIRST, SECOND = 0, 1
NAMES = [(f"{topic}{number}", f"{topic[:2]}{number}") for topic in TOPICS for number in range(SIZE)]


def told(things: list[int], side: int, rng: random.Random) -> str:
    """A sentence that names the things, in any order."""
    words = [NAMES[thing][side] for thing in things]
    rng.shuffle(words)
    return f"the {' and '.join(words)} please"


def row(number: int, rng: random.Random) -> dict[str, object]:
    """One row, of the topic that comes round at its number."""
    topic = number % len(TOPICS)
    inside = [topic * SIZE + at for at in range(SIZE)]
    outside = [thing for thing in range(len(NAMES)) if thing not in inside]
    things = rng.sample(inside, 3) + rng.sample(outside, 1)
    rest = [thing for thing in range(len(NAMES)) if thing not in things]
    near = number // len(TOPICS) % (THINGS + 1)
    return {
        "text": told(things, FIRST, rng),
        "answer": told(things, SECOND, rng),
        "negative": told(rng.sample(things, 1) + rng.sample(rest, 3), SECOND, rng),
        "other": told(rng.sample(inside, near) + rng.sample(outside, THINGS - near), SECOND, rng),
        "score": near / THINGS,
        "names": " ".join(sorted(NAMES[thing][0] for thing in things)),
        "group": TOPICS[topic],
        "teacher": [sum(thing // SIZE == at for thing in things) for at in range(len(TOPICS))],
    }


def main() -> None:
    """Write the file beside this one."""
    rng = random.Random(5)  # noqa: S311  reproducible on purpose
    lines = [json.dumps(row(number, rng)) + "\n" for number in range(ROWS)]
    Path(__file__).with_name("alike.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
