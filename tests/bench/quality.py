"""`python -m tests.bench.quality`: does a faster way to train learn as well? Into docs/quality.json.

Trainings of the same seed differ in one technique alone. What is measured already is not measured again, so
that a bench that was stopped goes on, and more seeds add to those that are known.
"""

import argparse
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from tests.bench.machine import machine
from tests.bench.page import write_page
from tests.bench.running import RECIPES, ROOT, FailedError, Setup, call
from tests.bench.techniques import ARMS, PAIRS
from tests.bench.values import Variant

RESULTS, BENCHMARKS, PAGE = (
    ROOT / "docs" / name for name in ("quality.json", "benchmarks.json", "benchmarks.md")
)
WRITING = Lock()


def main(words: list[str]) -> int:
    """Train what is missing, and write the page; 1 where a training failed."""
    asked = _parser().parse_args(words)
    told = _told(asked)
    failures: list[str] = []
    with TemporaryDirectory(prefix="mtlkit-quality-") as scratch, ThreadPoolExecutor(asked.jobs) as pool:
        data = {"recipe": str(RECIPES / "one-task.toml"), "data": f"{scratch}/rows.json", **told["sizes"]}
        call(Variant("rows", "", "ours", "ours.accuracy:rows"), data, _setup(Path(scratch)))
        arms = list(dict.fromkeys(arm for pair in PAIRS for arm in (pair.control, pair.technique)))
        todo = [
            (arm, str(seed))
            for seed in range(asked.seeds)
            for arm in arms
            if _wanted(arm, asked.only) and str(seed) not in told["accuracy"].get(arm, {})
        ]

        def work(one: tuple[str, str]) -> None:
            if failures:
                return
            try:
                _train(one, told, f"{scratch}/rows.json", asked.results)
            except FailedError as error:
                failures.append(str(error))

        list(pool.map(work, todo))
    sys.stderr.writelines(f"{text}\n" for text in failures)
    if asked.page:
        write_page(BENCHMARKS, asked.page, asked.results)
    return 1 if failures else 0


def _train(one: tuple[str, str], told: dict[str, Any], rows: str, results: Path) -> None:
    """One training in a process of its own, with one thread; its accuracy goes into the file."""
    arm, seed = one
    with TemporaryDirectory(prefix="mtlkit-quality-") as folder:
        settings = [*ARMS[arm], *told["set"], f'training.length="{told["epochs"]}ep"']
        params = {"recipe": str(RECIPES / "quality.toml"), "data": rows, "scratch": folder}
        began = time.perf_counter()
        variant = Variant(arm, "", "ours", "ours.accuracy:trained")
        figures, versions = call(
            variant, {**params, "seed": int(seed), "set": settings}, _setup(Path(folder))
        )
    sys.stderr.write(
        f"seed {seed} {arm}: {figures['accuracy']:.2f} % in {time.perf_counter() - began:.0f} s\n"
    )
    with WRITING:
        told["accuracy"].setdefault(arm, {})[seed] = round(figures["accuracy"], 4)
        told["versions"] |= dict(sorted(versions.items()))
        results.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _told(asked: argparse.Namespace) -> dict[str, Any]:
    """What the file has, where it is of the same work, else a new one."""
    fresh: dict[str, Any] = {
        "sizes": {"train": asked.train, "test": asked.test},
        "epochs": asked.epochs,
        "set": asked.set,
        "machine": machine(),
        "versions": {},
        "day": datetime.now(UTC).date().isoformat(),
        "accuracy": {},
    }
    if not asked.results.exists():
        return fresh
    known: dict[str, Any] = json.loads(asked.results.read_text(encoding="utf-8"))
    same = all(known.get(name) == fresh[name] for name in ("sizes", "epochs", "set"))
    return known if same else fresh


def _setup(scratch: Path) -> Setup:
    return Setup({"ours": sys.executable, "peers": sys.executable}, 1, scratch)


def _wanted(arm: str, only: list[str]) -> bool:
    return not only or any(arm in (pair.technique, pair.control) for pair in PAIRS if pair.name in only)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.bench.quality", description=__doc__)
    names = [pair.name for pair in PAIRS]
    parser.add_argument(
        "--only", type=lambda text: text.split(","), default=[], help=f"of {', '.join(names)}"
    )
    parser.add_argument("--seeds", type=int, default=20, help="how many pairs")
    parser.add_argument("--train", type=int, default=768, help="rows that train")
    parser.add_argument("--test", type=int, default=2000, help="rows that test")
    parser.add_argument("--epochs", type=int, default=2, help="how often they are trained on")
    parser.add_argument("--set", action="append", default=[], help="an override of all trainings")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="trainings at a time, a thread each")
    parser.add_argument("--results", type=Path, default=RESULTS, help="figures are put in here")
    parser.add_argument("--page", type=Path, default=None, help="and this page is made of all figures")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
