"""Tokenising the rows of a source, for the first time and again."""

import os
import time
from typing import Any

from mtlkit.api import preview
from mtlkit.engine.features import Reading
from mtlkit.engine.session import open_session
from mtlkit.plan.model import Plan
from tests.bench.ours.exported import limited


def tokenised(params: dict[str, Any]) -> dict[str, float]:
    """Seconds until every row's tokens are known: cold, then in another session that finds them."""
    os.environ["MTLKIT_CACHE"] = f"{params['scratch']}/tokens-{os.getpid()}"
    plan = limited(params)
    cold, rows = _once(plan)
    cached, _ = _once(plan)
    return {"seconds": cold, "cached_seconds": cached, "rows": float(rows), "rows_per_second": rows / cold}


def _once(plan: Plan) -> tuple[float, int]:
    encoder = open_session(preview(plan)).encoder
    began = time.perf_counter()
    lengths = encoder.lengths(Reading("reviews", "train", ("text",)))
    return time.perf_counter() - began, len(lengths)
