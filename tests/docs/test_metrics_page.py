"""The page of metrics names what recipes may write, all of it, and what else heads measure."""

import json
import re
from pathlib import Path
from typing import get_args

from mtlkit.builtin.metrics import names
from mtlkit.catalog.discover import open_catalog
from mtlkit.catalog.options import options_class, options_model

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "metrics.md"


def test_the_table_names_every_metric_and_no_other():
    rows = [
        line.split("|")[2] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")
    ]
    told = set()
    for cell in rows[2:]:
        found = re.findall(r"`([^`]+)`", cell)
        told |= {f"{found[0].partition('@')[0]}{name}" if name.startswith("@") else name for name in found}
    known = {name for key in vars(names) if key.endswith("Metric") for name in get_args(getattr(names, key))}
    known |= choices_of_heads()
    assert known - told == set()
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "mtlkit" / "builtin").rglob("*.py")
    )
    assert {name for name in told - known if f'"{name}"' not in sources} == set()


def choices_of_heads():
    """What the options `metrics` of the heads we ship may list."""
    heads = [entry for entry in open_catalog().of("head") if entry.distribution == "mtlkit"]
    schemas = [options_model(options_class(entry)).model_json_schema()["properties"] for entry in heads]
    listed = [schema["metrics"]["items"] for schema in schemas if "metrics" in schema]
    assert len(listed) >= 10
    return {
        name for text in re.findall(r'"enum": (\[[^\]]*\])', json.dumps(listed)) for name in json.loads(text)
    }
