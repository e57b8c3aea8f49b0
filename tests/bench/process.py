"""The seconds of a whole process, from its start to its end."""

import resource
import subprocess
import sys
import time
from tempfile import TemporaryDirectory
from typing import Any


def timed(params: dict[str, Any]) -> dict[str, float]:
    """Run this Python with those words; OUT among them is a fresh folder."""
    with TemporaryDirectory() as out:
        words = [out if word == "OUT" else word for word in params["words"]]
        began = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"seconds": seconds, "peak_mb": peak}
