"""`python -m tests.bench`: measure, put the figures into docs/benchmarks.json, write docs/benchmarks.md."""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import evolve

from tests.bench.benches import BENCHES
from tests.bench.page import write_page
from tests.bench.results import Entry, merge
from tests.bench.running import ROOT, Measured, Setup, measure
from tests.bench.values import Bench, Environment, Sizes

RESULTS = ROOT / "docs" / "benchmarks.json"
PAGE = ROOT / "docs" / "benchmarks.md"


def main(words: list[str]) -> int:
    """Measure what was asked for; 1 where a measurement failed."""
    asked = _parser().parse_args(words)
    failed = False
    with TemporaryDirectory(prefix="mtlkit-bench-") as scratch:
        pythons: dict[Environment, str] = {"ours": sys.executable, "peers": asked.peers}
        setup = Setup(pythons, asked.threads, Path(scratch))
        for name, bench in _asked(asked).items():
            sizes = _sizes(bench, asked)
            found = measure(bench, sizes, setup)
            failed = failed or bool(found.failed)
            merge(asked.results, _entry(name, sizes, found, setup))
            if asked.page:
                write_page(asked.results, asked.page)
    return 1 if failed else 0


def _entry(name: str, sizes: Sizes, found: Measured, setup: Setup) -> Entry:
    return Entry.of(
        name,
        sizes,
        found,
        command=f"make bench ONLY={name}",
        threads=setup.threads,
        day=datetime.now(UTC).date().isoformat(),
    )


def _asked(asked: argparse.Namespace) -> dict[str, Bench]:
    """The benches by name; of a quick run without what it leaves out."""
    chosen = {name: BENCHES[name] for name in asked.only or BENCHES}
    if not asked.quick:
        return chosen
    return {
        name: evolve(bench, variants=tuple(variant for variant in bench.variants if variant.quick))
        for name, bench in chosen.items()
        if bench.quick
    }


def _sizes(bench: Bench, asked: argparse.Namespace) -> Sizes:
    sizes = bench.quick if asked.quick and bench.quick else bench.full
    told = {name: getattr(asked, name) for name in ("rows", "repeats", "epochs", "steps")}
    return evolve(sizes, **{name: value for name, value in told.items() if value is not None})


def _names(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    if unknown := sorted(set(names) - set(BENCHES)):
        raise argparse.ArgumentTypeError(f"no bench {unknown[0]!r}; there are {', '.join(BENCHES)}")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.bench", description=__doc__)
    parser.add_argument("--only", type=_names, default=[], help="names of benches, separated by commas")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, for a look rather than for figures"
    )
    for name in ("rows", "repeats", "epochs", "steps"):
        parser.add_argument(f"--{name}", type=int, help="in place of what the bench says")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of every measurement")
    parser.add_argument("--peers", default=".venv-peers/bin/python", help="the Python that has the peers")
    parser.add_argument("--results", type=Path, default=RESULTS, help="figures are put in here")
    parser.add_argument("--page", type=Path, default=None, help="and this page is made of them")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
