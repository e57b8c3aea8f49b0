"""Cases that were drawn once, in which a law failed a plugin that is right."""

import pytest

from mtlkit.testing import replay
from mtlkit.testing.laws.lr_tables import MODELS


@pytest.mark.parametrize("name", ["adamw", "adam", "adafactor", "torch"])
@pytest.mark.parametrize("pattern", ["*.bias", "heads.news.dense.*"])
def test_names_count_where_an_option_is_a_selector_of_names(name, pattern):
    options = {"weight_decay": 1e-05, "no_decay": [pattern]}
    if name == "torch":
        options["class_name"] = "SGD"
    replay("O2", f"optimizer/{name}", table=MODELS[0], options=options)


LONG_TEXT, LONG_PAIR = [4], [4]
"""The numbers of the longest text and of the pair that begins with it."""
DRAWN = [
    ("O9", "optimizer/adafactor", {"options": {"beta2_decay": 0.0, "eps2": 787.0, "clip": 2.0}}),
    ("Z6", "regularizer/child-tuning", {"options": {"share": 1e-05}, "seed": 0}),
    ("Z6", "regularizer/mixout", {"options": {"p": 1e-05}, "seed": 0}),
    ("B29", "backbone/tiny", {"options": {"vocabulary": 5, "blocks": 1, "dropout": 0}}),
    ("B29", "backbone/tiny", {"options": {"hidden_size": 2, "blocks": 5}}),
    (
        "B28",
        "backbone/tiny",
        {"options": {"overlap": 1, "long_texts": "windows"}, "form": "pair", "rows": LONG_PAIR},
    ),
    (
        "B16",
        "backbone/tiny",
        {"options": {"overlap": 1, "long_texts": "windows"}, "form": "text", "rows": LONG_TEXT},
    ),
    ("B29", "backbone/tiny", {"options": {"hidden_size": 1, "heads": 1}}),
    ("G8", "head/sentence-embedding", {"options": {"objective": {"use": "denoising"}}}),
]


@pytest.mark.parametrize(("law", "name", "case"), DRAWN, ids=[f"{law}-{name}" for law, name, _ in DRAWN])
def test_what_failed_once_does_not_fail(law, name, case):
    replay(law, name, **case)
