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
