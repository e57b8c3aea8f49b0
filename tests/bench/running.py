"""Runs measurements: a fresh process each, all with the same threads, the variants taking turns."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from attrs import asdict, define, field, frozen

from tests.bench.values import Bench, Environment, Figures, Params, Sizes, Variant

ROOT = Path(__file__).parents[2]
RECIPES = Path(__file__).parent / "recipes"
SILENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "true",
    "PYTHONDONTWRITEBYTECODE": "",
}


class FailedError(Exception):
    """A measurement ended with an error; its last lines are the message."""


@frozen
class Setup:
    """Who measures: a Python of each environment, the number of threads, and a folder for what they write."""

    pythons: dict[Environment, str]
    threads: int
    scratch: Path


@define
class Measured:
    """What a bench came to: the figures of each variant, one entry a turn, and the versions that were used."""

    figures: dict[str, list[Figures]] = field(factory=dict)
    versions: dict[str, str] = field(factory=dict)
    failed: dict[str, str] = field(factory=dict)
    seconds: float = 0.0


def measure(bench: Bench, sizes: Sizes, setup: Setup) -> Measured:
    """Every variant in turn, as often as the sizes say; one that fails is told of and not tried again."""
    found, began = Measured(), time.perf_counter()
    given = {**_places(bench, sizes, setup), **asdict(sizes)}
    for turn in range(sizes.repeats):
        for variant in bench.variants:
            if variant.name in found.failed or turn >= (variant.turns or sizes.repeats):
                continue
            _say(f"{bench.name} {turn + 1}/{sizes.repeats} {variant.name} … ")
            params = {**given, **variant.params, "turn": turn}
            try:
                if variant.primed and turn == 0:
                    call(variant, params, setup)
                figures, versions = call(variant, params, setup)
            except FailedError as error:
                found.failed[variant.name] = str(error)
                _say(f"failed\n{error}\n")
                continue
            found.figures.setdefault(variant.name, []).append(figures)
            found.versions |= versions
            _say(f"{figures.get(bench.measure, float('nan')):.4g} {bench.unit}\n")
    found.seconds = time.perf_counter() - began
    return found


def call(variant: Variant, params: Params, setup: Setup) -> tuple[Figures, dict[str, str]]:
    """One measurement in a process of its own: its figures, with the seconds of the whole process.

    Raises:
        FailedError: when the process fails.
    """
    job, out = setup.scratch / "job.json", setup.scratch / "out.json"
    job.write_text(json.dumps(params), encoding="utf-8")
    out.unlink(missing_ok=True)
    command = [setup.pythons[variant.where], "-m", "tests.bench.worker", variant.function, str(job), str(out)]
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=ROOT, env=surroundings(setup), capture_output=True, text=True, check=False
    )
    whole = time.perf_counter() - began
    if done.returncode or not out.exists():
        raise FailedError("\n".join((done.stdout + done.stderr).splitlines()[-12:]))
    told: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return {**told["figures"], "process_seconds": whole}, told["versions"]


def surroundings(setup: Setup) -> dict[str, str]:
    """The environment variables of a measurement."""
    threads = str(setup.threads)
    counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), threads)
    places = {"MTLKIT_CACHE": str(setup.scratch / "cache"), "HF_HOME": str(setup.scratch / "hf")}
    return {**os.environ, **SILENT, **counts, **places, "PYTHONPATH": str(ROOT)}


def _places(bench: Bench, sizes: Sizes, setup: Setup) -> dict[str, Any]:
    """Where a measurement finds its recipe, and a peer its rows and the model."""
    given: dict[str, Any] = {"scratch": str(setup.scratch), "threads": setup.threads}
    if not bench.export:
        return given
    recipe, rows = RECIPES / f"{bench.export}.toml", setup.scratch / f"{bench.export}-{sizes.rows}.json"
    given |= {"recipe": str(recipe), "data": str(rows)}
    if not rows.exists():
        export = Variant("rows", "", "ours", "ours.exported:rows")
        call(export, {**given, "rows": sizes.rows}, setup)
    return given


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
