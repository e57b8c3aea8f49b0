"""The page of benchmarks is what its file of results gives, and says of misses that they are misses."""

import pytest

from tests.bench.benches import BENCHES
from tests.bench.goals import GOALS
from tests.bench.markdown import number
from tests.bench.page import page
from tests.bench.paired import differences, verdict
from tests.bench.results import Entry, entries, merge
from tests.bench.turns import exponent, reached
from tests.bench.values import Cell, Goal
from tests.docs.blocks import ROOT

DOCS = ROOT / "docs"


def entry(name="full", **figures):
    turns = {variant: [{"seconds": each} for each in values] for variant, values in figures.items()}
    machine = {
        "processor": "P",
        "cores": "2",
        "instructions": "avx2",
        "memory": "8 GiB",
        "system": "L",
        "python": "3",
    }
    return Entry(
        name, {"rows": 8, "repeats": 2}, 2, "make bench", "2026-01-01", 3, machine, {"torch": "2"}, turns
    )


def read_from(found):
    return lambda cell: found.turns(cell.variant, cell.measure)


def goal(how, least, aim, theirs=("a", "b")):
    cells = tuple(Cell("full", name, "seconds") for name in theirs)
    return Goal("work", "peer", Cell("full", "ours", "seconds"), cells, how, least, aim)


def test_the_page_is_what_the_results_give() -> None:
    told = page(DOCS / "benchmarks.json", DOCS / "quality.json")
    assert (DOCS / "benchmarks.md").read_text(encoding="utf-8") == told, "run `make bench-page`"


def test_every_goal_is_about_a_variant_that_is_measured() -> None:
    for each in GOALS:
        for cell in (each.ours, *each.theirs):
            assert cell.variant in {variant.name for variant in BENCHES[cell.bench].variants}, cell


@pytest.mark.parametrize(
    ("how", "least", "aim", "verdict"),
    [
        ("speedup", 2, 4, "aim reached"),
        ("speedup", 2, 5, "reached"),
        ("speedup", 5, 6, "**missed**"),
        ("share", 0.3, 0.25, "aim reached"),
        ("share", 0.3, 0.2, "reached"),
        ("share", 0.2, 0.1, "**missed**"),
    ],
)
def test_the_best_peer_counts(how, least, aim, verdict) -> None:
    found = entry(ours=[1.0, 2.0, 1.5], a=[9.0, 9.0, 9.0], b=[6.0, 6.0, 6.0])
    told = reached(goal(how, least, aim), read_from(found), higher_is_better=False)
    assert told.against == "b"
    assert told.verdict == verdict
    low, high = sorted((3.0, 6.0)) if how == "speedup" else (1 / 6, 1 / 3)
    assert (told.ratio.low, told.ratio.high) == pytest.approx((low, high))


def test_what_was_not_measured_is_not_reached() -> None:
    for found in (entry(), entry(ours=[1.0])):
        told = reached(
            goal("speedup", 1, 2),
            read_from(found),
            higher_is_better=False,
        )
        assert told.verdict == "not measured"


def test_growth_is_fitted() -> None:
    assert exponent([1, 10, 100], [3, 30, 300]) == pytest.approx(1)
    assert exponent([1, 10, 100], [5, 5, 5]) == pytest.approx(0)
    assert exponent([2, 4, 8], [4, 16, 64]) == pytest.approx(2)


def test_a_part_replaces_its_own_part_alone(tmp_path) -> None:
    path = tmp_path / "results.json"
    merge(path, entry("full", ours=[1.0]))
    merge(path, entry("frozen", ours=[2.0]))
    merge(path, entry("full", ours=[3.0]))
    found = entries(path)
    assert list(found) == ["full", "frozen"]
    assert found["full"].turns("ours", "seconds") == [3.0]
    assert found["frozen"] == entry("frozen", ours=[2.0])


def test_numbers_have_three_digits() -> None:
    shown = [number(value) for value in (0, 0.0451, 0.451, 1.234, 12.34, 123.4, 12345.6)]
    assert shown == ["0", "0.045", "0.451", "1.23", "12.3", "123", "12,346"]


@pytest.mark.parametrize(
    ("mean", "pairs", "words"),
    [
        (0.0, 20, "as good"),
        (-0.2, 20, "as good within the margin, and a little worse"),
        (-0.6, 20, "**worse**"),
        (0.0, 18, "too few pairs: 20 are needed"),
    ],
)
def test_a_verdict_needs_pairs_and_a_margin(mean, pairs, words) -> None:
    found = verdict([mean + (0.2 if at % 2 else -0.2) for at in range(pairs)])
    assert found.words == words
    assert found.mean == pytest.approx(mean)
    assert found.low < found.mean < found.high
    assert found.resampled == pytest.approx(found.low, abs=0.03)


def test_differences_that_spread_too_far_show_nothing() -> None:
    assert verdict([3.0, -3.0] * 10).words == "**not shown to be as good**"
    assert verdict([1.0]) is None


def test_only_seeds_of_both_are_compared() -> None:
    assert differences({"10": 3.0, "2": 2.0, "4": 9.0}, {"2": 1.0, "10": 4.0}) == [1.0, -1.0]
