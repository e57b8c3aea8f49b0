"""The page of metrics names what recipes may write, all of it."""

import re
from pathlib import Path
from typing import get_args

from mtlkit.builtin.metrics import names

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"


def test_the_table_names_every_metric_and_no_other():
    rows = [
        line.split("|")[2] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")
    ]
    told = set()
    for cell in rows[2:]:
        found = re.findall(r"`([^`]+)`", cell)
        told |= {f"{found[0].partition('@')[0]}{name}" if name.startswith("@") else name for name in found}
    known = {name for key in vars(names) if key.endswith("Metric") for name in get_args(getattr(names, key))}
    assert told == known
