"""One measurement: a fresh process that calls one function and writes down what it returns.

`python -m tests.bench.worker MODULE:FUNCTION JOB OUT`: JOB is a JSON file of parameters, OUT is written.
"""

import json
import resource
import sys
from importlib import import_module
from pathlib import Path

from tests.bench.machine import versions


def main(address: str, job: str, out: str) -> None:
    """Call the function with the parameters; its figures, the peak memory and the versions go to `out`."""
    module, _, name = address.partition(":")
    params = json.loads(Path(job).read_text(encoding="utf-8"))
    function = getattr(import_module(f"tests.bench.{module}"), name)
    figures = function(params)
    figures.setdefault("peak_mb", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    told = {"figures": figures, "versions": versions()}
    Path(out).write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
