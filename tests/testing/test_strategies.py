import json
import subprocess
import sys
from collections import Counter
from math import isfinite, isnan
from pathlib import Path
from typing import Annotated, Any, Literal

import attrs
import pytest
import torch
from annotated_types import Ge, Gt, Len, Lt
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from pydantic import BaseModel, Field

import mtlkit
from mtlkit import api
from mtlkit.builtin.cards import mtlkit_cards
from mtlkit.catalog.catalog import Entry
from mtlkit.catalog.options import make_options, options_class
from mtlkit.contracts.card import Card
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.params import BACKBONE
from mtlkit.testing.strategies import (
    batches,
    build_optimizer_of,
    durations,
    features_of,
    interruptions,
    metric_logs,
    nearly_valid_recipes,
    optimizers,
    options,
    param_tables,
    progresses,
    recipes,
    walks,
    write_rows,
)
from mtlkit.testing.strategies.mutations import misspelt

QUICK = settings(phases=[Phase.generate], max_examples=800, database=None)
BUILTIN = [Entry(card, "mtlkit", "") for card in mtlkit_cards()]


def reaches(strategy, corner):
    return corner(find(strategy, corner, settings=QUICK))


@given(param_tables())
def test_tables_are_as_the_contract_says(table):
    names = [name for row in table for name in row.names]
    assert len(names) == len(set(names))
    assert [row.depth for row in table] == sorted(row.depth for row in table)
    for row in table:
        assert row.role == {0: "embeddings", table.depth + 1: "final", table.depth + 2: "head"}.get(
            row.depth, "block"
        )
        assert (row.owner == BACKBONE) is (row.role != "head")
        assert row.name.startswith("backbone." if row.owner == BACKBONE else f"heads.{row.owner}.")
    assert 1 <= len(table.tasks) <= 5


@given(param_tables(tasks=("mine", "heads"), min_tasks=3, max_tasks=4))
def test_tables_have_the_tasks_asked_for(table):
    assert {"mine", "heads"} <= set(table.tasks)
    assert 3 <= len(table.tasks) <= 4


@pytest.mark.parametrize(
    "corner",
    [
        lambda table: table.depth == 0,
        lambda table: table.depth > 10,
        lambda table: any(row.shape == () for row in table),
        lambda table: any(row.numel == 0 for row in table),
        lambda table: any(row.aliases for row in table),
        lambda table: not any(row.role == "final" for row in table),
        lambda table: not all(row.trainable for row in table),
    ],
)
def test_tables_reach_the_corners(corner):
    assert reaches(param_tables(), corner)


@given(durations())
def test_durations_can_be_written(duration):
    assert Duration.parse(str(duration)) == duration


@given(progresses())
def test_progresses_are_moments_of_a_run(progress):
    assert progress.step >= 0
    assert progress.total >= 0
    assert progress.steps_per_epoch >= 1


@given(metric_logs(("a", "b"), max_step=9))
def test_metric_logs_are_in_the_order_of_their_steps(log):
    assert [entry.step for entry in log] == sorted(entry.step for entry in log)
    assert all(0 <= entry.step <= 9 and entry.metric.split("/")[0] in ("a", "b") for entry in log)


def pairs(log):
    return [(entry.step, entry.metric) for entry in log]


@pytest.mark.parametrize(
    "corner",
    [
        lambda log: not log,
        lambda log: any(isnan(entry.value) for entry in log),
        lambda log: any(not isfinite(entry.value) and not isnan(entry.value) for entry in log),
        lambda log: len(set(pairs(log))) < len(log),
        lambda log: len({entry.metric for entry in log if entry.step == log[0].step}) > 1,
        lambda log: any(b.step - a.step > 5 for a, b in zip(log, log[1:], strict=False)),
        lambda log: (
            len({pair for pair in pairs(log) if pairs(log).count(pair) > 1}) == 1
            and len({entry.value for entry in log}) == len(log) > 2
        ),
    ],
)
def test_metric_logs_reach_the_corners(corner):
    assert reaches(metric_logs(), corner)


@given(walks())
def test_walks_go_from_step_0_to_beyond_the_end_and_remember(walk):
    steps = [progress.step for progress in walk]
    assert steps == sorted(set(steps))
    assert steps[0] == 0
    assert steps[-1] > walk[0].total
    assert len({(progress.total, progress.steps_per_epoch) for progress in walk}) == 1
    log = walk[-1].metrics
    for progress in walk:
        known = [entry for entry in log if entry.step <= progress.step]
        assert pairs(progress.metrics) == pairs(known)


@pytest.mark.parametrize(
    "corner",
    [
        lambda walk: walk[0].total == 0,
        lambda walk: len(walk) > 20,
        lambda walk: 2 < len(walk) < walk[0].total / 2,
        lambda walk: walk[-1].step >= 10**9,
        lambda walk: len({len(progress.metrics) for progress in walk}) > 4,
    ],
)
def test_walks_reach_the_corners(corner):
    assert reaches(walks(), corner)


@given(st.integers(0, 50).flatmap(lambda total: st.tuples(st.just(total), interruptions(total))))
def test_interruptions_lie_within_the_run(drawn):
    total, steps = drawn
    assert list(steps) == sorted(set(steps))
    assert all(0 <= step <= total for step in steps)


PADDINGS = ("right", "left", "inside")


@given(batches(paddings=PADDINGS), st.integers(1, 5), st.sampled_from((torch.float32, torch.float64)))
def test_features_have_the_words_of_the_batch_where_its_mask_is(batch, hidden, dtype):
    assert json.loads(json.dumps(batch)) == batch
    features = features_of(batch, hidden, dtype)
    rows, width = len(batch["words"]), max(map(len, batch["words"])) + batch["extra"]
    assert features.tokens.shape == (rows, width, hidden)
    assert features.tokens.dtype == dtype
    assert features.tokens.isfinite().all()
    for row, numbers in enumerate(batch["words"]):
        inside = features.mask[row]
        assert features.words[row][inside].tolist() == numbers
        assert (features.words[row][~inside] == -1).all()
    assert len(batch["labelled"]) == rows


@given(batches(paddings=PADDINGS), st.integers(0, 99))
def test_padding_and_what_is_in_it_change_nothing_else(batch, noise):
    other = {**batch, "noise": noise, "extra": (batch["extra"] + 1) % 4, "padding": "right"}
    first, second = features_of(batch, 3), features_of(other, 3)
    for row in range(len(batch["words"])):
        assert torch.equal(first.tokens[row][first.mask[row]], second.tokens[row][second.mask[row]])
    assert torch.allclose(first.pooled, second.pooled, atol=1e-6)
    if noise != batch["noise"] and not first.mask.all():
        third = features_of({**batch, "noise": noise}, 3)
        assert not torch.equal(first.tokens[~first.mask], third.tokens[~third.mask])


@pytest.mark.parametrize(
    "corner",
    [
        lambda batch: len(batch["words"]) == 1,
        lambda batch: max(map(len, batch["words"])) == 1 and len(batch["words"]) > 1,
        lambda batch: not any(batch["labelled"]),
        lambda batch: len(set(batch["labelled"])) == 2,
        lambda batch: any(set(words) == {-1} for words in batch["words"]),
        lambda batch: any(words[0] == -1 and max(words) > 1 for words in batch["words"]),
        lambda batch: any(words.count(0) > 1 for words in batch["words"]),
        lambda batch: batch["extra"] > 1,
    ],
)
def test_batches_reach_the_corners(corner):
    assert reaches(batches(), corner)


@pytest.mark.parametrize("entry", BUILTIN, ids=lambda entry: f"{entry.card.kind}-{entry.card.name}")
def test_every_table_is_accepted_by_the_plugin_it_is_for(entry):
    cls, seen = options_class(entry), []

    @settings(max_examples=60, database=None, derandomize=True)
    @given(options(cls, tasks=("news", "new")))
    def check(table):
        assert json.loads(json.dumps(table)) == table
        make_options(entry, table, Path())
        seen.append(json.dumps(table, sort_keys=True))

    check()
    fields = [each for each in attrs.fields(cls) if each.init]
    assert len(seen) >= 50 or len(set(seen)) < 50
    assert len(set(seen)) >= min(10, 2 ** len(fields)), "too little variety"


def test_every_kind_of_plugin_has_been_asked():
    assert len(BUILTIN) >= 36
    assert len({entry.card.kind for entry in BUILTIN}) >= 10


@attrs.frozen
class Inner:
    width: Annotated[int, Gt(0)] = option("a width")


@attrs.frozen
class Everything:
    """One option of each type."""

    share: Annotated[float, Ge(0), Lt(1)] = option("a share")
    words: Annotated[tuple[str, ...], Len(1, 2)] = option("some words")
    pair: tuple[int, Literal["a", "b"]] = option("two things")
    length: Duration = option("a length")
    inner: Inner | str = option("a table or a text")
    tables: tuple[Inner, ...] = option("some tables", ())
    by_name: dict[str, Annotated[float, Ge(2), Lt(3)]] = option("numbers by name", {})
    maybe: int | None = option("perhaps a number", None)
    anything: Any = option("anything", 0)

    def __attrs_post_init__(self):
        if self.maybe is not None and self.by_name:
            raise ValueError("not both")


class Modelled(BaseModel):
    size: int = Field(gt=2, le=4)
    title: str = Field("x", pattern="^[ab]+$")


def drawn_from(strategy, count=150):
    seen = []

    @settings(max_examples=count, database=None, derandomize=True, phases=[Phase.generate])
    @given(strategy)
    def collect(value):
        seen.append(value)

    collect()
    return seen


def test_options_follow_the_annotations():
    tables = drawn_from(options(Everything, tasks=("mine",)), 300)
    entry = Entry(Card("head", "x", "", Everything), "", "")
    made = [make_options(entry, table, Path()) for table in tables]
    assert len(made) == len(tables) >= 200
    assert all(0 <= each.share < 1 and 1 <= len(each.words) <= 2 for each in made)
    assert all(2 <= value < 3 for each in made for value in each.by_name.values())
    assert {type(each.inner) for each in made} == {Inner, str}
    for name in ("tables", "by_name", "maybe", "anything"):
        share = sum(name in table for table in tables) / len(tables)
        assert 0.1 < share < 0.9, (name, share)
    words = {word for each in made for word in each.words}
    assert words >= {
        "mine",
        "head.mine",
        "backbone",
        "embeddings",
        "blocks[0:1]",
        "heads",
        "type:norm",
        "*.bias",
    }


def test_options_of_a_pydantic_model():
    tables = drawn_from(options(Modelled), 60)
    assert {table["size"] for table in tables} == {3, 4}
    assert any("title" in table for table in tables)
    assert all(Modelled(**table) for table in tables)


def test_a_required_option_of_an_unknown_type_is_named():
    @attrs.frozen
    class Strange:
        thing: complex = option("a thing")

    with pytest.raises(InvalidArgument, match="Strange: no values are known for thing"):
        drawn_from(options(Strange))


GROUP = {"names": ["w"], "group": "all"}


@settings(max_examples=100)
@given(optimizers())
def test_every_optimizer_takes_steps_and_leaves_alone_what_has_no_gradient(spec):
    assert json.loads(json.dumps(spec)) == spec
    moving, still = (torch.nn.Parameter(torch.ones(3, 2)) for _ in range(2))
    made = build_optimizer_of(spec, [{**GROUP, "params": [moving, still], "lr": 0.1}])
    assert type(made).__name__ == spec["kind"]
    for step in range(3):
        moving.grad = torch.full((3, 2), 1.0 + step)
        made.step()
    assert not torch.equal(moving, still)
    assert torch.equal(still, torch.ones(3, 2))
    if spec["kind"] != "Rprop":
        assert made.param_groups[0]["weight_decay"] == spec["decay"]


def test_a_group_may_have_its_own_decay():
    spec = {"kind": "AdamW", "options": {}, "decay": 0.1, "foreach": False}
    params = [torch.nn.Parameter(torch.ones(1))]
    (group,) = build_optimizer_of(spec, [{**GROUP, "params": params, "weight_decay": 0.5}]).param_groups
    assert group["weight_decay"] == 0.5


def test_all_kinds_of_optimizers_are_drawn():
    specs = drawn_from(optimizers(), 400)
    assert len({spec["kind"] for spec in specs}) == 12
    assert {spec["options"].get("nesterov", False) for spec in specs} == {True, False}
    assert {spec["foreach"] for spec in specs} == {True, False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("recipes")
    write_rows(made)
    return made


@settings(max_examples=60)
@given(text=recipes())
def test_recipes_are_valid(folder, text):
    (folder / "recipe.toml").write_text(text)
    loaded = mtlkit.load(folder / "recipe.toml")
    assert 1 <= len(loaded.recipe.tasks) <= 4


@settings(max_examples=15)
@given(text=recipes())
def test_recipes_can_be_planned_to_the_last_step(folder, text):
    (folder / "recipe.toml").write_text(text)
    prepared = api.preview(api.plan(api.load(folder / "recipe.toml")))
    assert len(prepared.moments) == prepared.timeline.total > 0


def test_a_mistake_is_named_and_a_slip_is_put_right(folder):
    seen = Counter()

    @settings(max_examples=120, database=None)
    @given(nearly_valid_recipes())
    def check(drawn):
        text, path, right = drawn
        (folder / "wrong.toml").write_text(text)
        with pytest.raises(mtlkit.RecipeError) as caught:
            mtlkit.load(folder / "wrong.toml")
        found = [problem for problem in caught.value.problems if problem.path == path]
        assert found, (path, caught.value.problems)
        assert not right or any(repr(right) in problem.suggestion for problem in found)
        seen["slip" if right else "other"] += 1

    check()
    assert seen["slip"] >= 5
    assert seen["other"] >= 50


SLIPS = [("drop", "epth"), ("double", "ddepth"), ("swap", "edpth")]


@pytest.mark.parametrize(("how", "wrong"), SLIPS)
def test_slips_of_the_hand(how, wrong):
    assert misspelt("depth", how, 0) == misspelt("depth", how, 4) == wrong
    assert len({misspelt("depth", how, at) for at in range(4)}) == 4


def test_light_strategies_do_not_load_torch():
    code = (
        "import sys; from mtlkit.testing import strategies as s; "
        "from mtlkit.builtin.freeze.phases import Phases; "
        "[each() for each in (s.param_tables, s.walks, s.metric_logs, s.batches, s.optimizers, s.recipes, "
        "s.nearly_valid_recipes, s.durations, s.progresses)]; s.options(Phases).example; s.interruptions(3); "
        "sys.exit('torch' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, check=False, timeout=120)
    assert done.returncode == 0
