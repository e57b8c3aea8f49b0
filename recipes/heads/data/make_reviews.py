"""Writes reviews.jsonl: made-up reviews with labels of many kinds, one for each head that reads a text.

    python make_reviews.py

stars 1 to 5, a number (score) and two more (warmth, length), topics, the votes of five readers, what a
teacher said (logits of bad and good; a vector), and good or bad. Some labels are missing on purpose.
"""

import json
import random
from pathlib import Path

PLACES = ("café", "hotel", "bakery", "museum", "cinema", "library", "garden", "market", "theatre", "station")
WORDS = {
    1: ("awful", "dreadful", "terrible", "hopeless"),
    2: ("weak", "dull", "poor", "tired"),
    3: ("fair", "decent", "average", "ordinary"),
    4: ("good", "nice", "pleasant", "friendly"),
    5: ("superb", "wonderful", "brilliant", "delightful"),
}
TOPICS = {
    "food": ("the soup", "the bread", "the coffee", "the cake"),
    "people": ("the staff", "the owner", "the guide", "the waiter"),
    "rooms": ("the hall", "the bedroom", "the terrace", "the entrance"),
    "price": ("the bill", "the ticket", "the price", "the fee"),
}
ROWS = 320


def row(number: int, rng: random.Random) -> dict[str, object]:
    """One review with all its labels."""
    stars = 1 + number % 5
    topics = sorted(rng.sample(sorted(TOPICS), rng.choice((1, 1, 2))))
    things = " and ".join(rng.choice(TOPICS[topic]) for topic in topics)
    word, place = rng.choice(WORDS[stars]), rng.choice(PLACES)
    text = rng.choice(
        (
            f"At the {place} {things} seemed {word}.",
            f"I found {things} of the {place} {word}.",
            f"In this {place}: {things}, {word} as ever.",
        )
    )
    likely = (stars - 1) / 4
    votes = ["good" if rng.random() < likely else "bad" for _ in range(5)]
    return {
        "text": text,
        "sentiment": None if stars == 3 else "good" if stars > 3 else "bad",
        "stars": stars,
        "score": None if number % 16 == 7 else round(likely + rng.uniform(-0.05, 0.05), 3),
        "warmth": round(2 * likely - 1, 2),
        "topics": topics,
        "votes": votes,
        "logits": [round(2.5 - stars, 2), round(stars - 3.5, 2)],
        "vector": [round(2 * likely - 1, 2), *(float(topic in topics) for topic in TOPICS)],
    }


def main() -> None:
    """Write the file beside this script."""
    rng = random.Random(5)  # noqa: S311  reproducible on purpose
    rows = [row(number, rng) for number in range(ROWS)]
    lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in rows)
    Path(__file__).with_name("reviews.jsonl").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    main()
