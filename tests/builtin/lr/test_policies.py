import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from mtlkit.builtin.lr.groups import REST, Groups
from mtlkit.builtin.lr.head_multiplier import HeadMultiplier
from mtlkit.builtin.lr.layer_decay import LayerDecay
from mtlkit.builtin.lr.linear_ramp import LinearRamp
from mtlkit.builtin.lr.lora_plus import LoraPlus
from mtlkit.builtin.lr.per_task import PerTask
from mtlkit.builtin.lr.range_test import RangeTest
from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.selectors import parse
from mtlkit.testing.strategies import TASKS, param_tables, progresses

START = Progress(0, 10, 5)
RATES = st.floats(0, 1)
SELECTORS = ("type:bias", "blocks[0:2] & !type:norm", "embeddings", "heads", "head.sentiment", "backbone.*")
SCHEDULES = {
    "linear-ramp": st.builds(
        LinearRamp, RATES, RATES, st.none() | RATES, st.sampled_from(("linear", "geometric"))
    ),
    "groups": st.builds(Groups, st.dictionaries(st.sampled_from(SELECTORS), RATES), RATES),
    "head-multiplier": st.builds(HeadMultiplier, RATES, RATES),
    "per-task": st.builds(PerTask, RATES, st.dictionaries(st.sampled_from(TASKS), RATES), st.none() | RATES),
    "lora-plus": st.builds(LoraPlus, RATES, st.floats(0, 100), st.none() | RATES),
    "range-test": st.tuples(
        st.floats(1e-9, 1), st.floats(1, 1e6), st.sampled_from(("linear", "exponential"))
    ).map(lambda drawn: RangeTest(*drawn)),
}


def rate_of(schedule, row, table, progress=START):
    return schedule.rate(schedule.group(row, table), progress, progress.step)


@pytest.mark.parametrize("name", SCHEDULES)
@given(st.data(), param_tables(), progresses(), st.integers(0, 1000))
def test_groups_partition_and_rates_are_finite(name, data, table, progress, age):
    schedule = data.draw(SCHEDULES[name])
    groups = {row.name: schedule.group(row, table) for row in table}
    shuffled = ParamTable(tuple(data.draw(st.permutations(table.rows))), table.depth)
    assert {row.name: schedule.group(row, shuffled) for row in shuffled} == groups
    for group in set(groups.values()):
        rate = schedule.rate(group, progress, age)
        assert math.isfinite(rate)
        assert rate >= 0
        assert schedule.rate(group, progress, age) == rate


@given(param_tables(), st.floats(1e-6, 1), st.floats(1e-6, 1))
def test_ramps_are_linspace_and_geomspace(table, bottom, top):
    count = table.depth + 1
    straight, equal_ratios = np.linspace(bottom, top, count), np.geomspace(bottom, top, count)
    for row in table:
        depth = min(row.depth, table.depth)
        for spacing, expected in (("linear", straight), ("geometric", equal_ratios)):
            wanted = expected[depth] if row.role != "head" and table.depth else top
            found = rate_of(LinearRamp(bottom, top, spacing=spacing), row, table)
            assert found == pytest.approx(wanted, rel=1e-9)


@given(param_tables(), st.floats(1e-6, 1), st.floats(1e-6, 1))
def test_equal_ratios_are_those_of_fastai(table, bottom, top):
    """fastai.core.even_mults(start, stop, n): [start · (stop/start)^(i/(n - 1)) for i in range(n)]."""
    if not table.depth:
        return
    step = (top / bottom) ** (1 / table.depth)
    mults = [bottom * step**index for index in range(table.depth + 1)]
    for row in table:
        if row.role in ("embeddings", "block"):
            found = rate_of(LinearRamp(bottom, top, spacing="geometric"), row, table)
            assert found == pytest.approx(mults[row.depth], rel=1e-9)


@given(param_tables(), RATES)
def test_heads_of_a_ramp_can_have_their_own_rate(table, own):
    for row in table:
        found = rate_of(LinearRamp(0.1, 0.2, own), row, table)
        assert (found == own) if row.role == "head" else (0.1 <= found <= 0.2)


def ulmfit_rates(rate: float, layers: int) -> list[float]:
    """Howard & Ruder 2018, §3.1: the last layer has the rate, each lower one that of the next / 2.6."""
    rates = [rate]
    for _ in range(layers - 1):
        rates.insert(0, rates[0] / 2.6)
    return rates


@given(param_tables(), RATES)
def test_layer_decay_can_be_ulmfit(table, rate):
    """Its layers here: the embeddings, every block, the classifier."""
    expected = ulmfit_rates(rate, table.depth + 2)
    schedule = LayerDecay(peak=rate, decay=1 / 2.6)
    for row in table:
        if row.role != "final":
            assert rate_of(schedule, row, table) == pytest.approx(expected[min(row.depth, table.depth + 1)])


@given(param_tables(), st.permutations(SELECTORS))
def test_the_first_selector_wins(table, order):
    schedule = Groups({text: 0.1 + number for number, text in enumerate(order)}, 0.01)
    for row in table:
        meant = [text for text in order if parse(text).matches(row, table)]
        assert schedule.group(row, table) == (meant[0] if meant else REST)
        assert rate_of(schedule, row, table) == (0.1 + order.index(meant[0]) if meant else 0.01)


def test_groups_tell_their_selectors_and_tasks():
    schedule = Groups({"head.news | head.ner": 0.1, "type:bias & head.news": 0.2}, 0.0)
    assert schedule.patterns() == ("head.news | head.ner", "type:bias & head.news")
    assert schedule.tasks() == ("news", "ner")
    with pytest.raises(ValueError, match="position 13"):
        Groups({"heads": 0.1, "embeddings &": 0.1}, 0.1)
    with pytest.raises(ValueError, match="expected"):
        parse(REST)  # so it is no selector's name


@given(param_tables(), RATES, RATES)
def test_heads_are_so_many_times_faster(table, peak, multiplier):
    for row in table:
        expected = peak * multiplier if row.role == "head" else peak
        assert rate_of(HeadMultiplier(peak, multiplier), row, table) == expected


@given(param_tables(), RATES, RATES, RATES)
def test_each_task_has_its_rate(table, backbone, own, rest):
    task = table.tasks[0]
    for row in table:
        expected = own if row.owner == task else rest if row.role == "head" else backbone
        assert rate_of(PerTask(backbone, {task: own}, rest), row, table) == expected
        default = own if row.owner == task else backbone
        assert rate_of(PerTask(backbone, {task: own}), row, table) == default
    assert PerTask(backbone, {task: own}).tasks() == (task,)


def test_lora_plus_has_the_rates_of_peft():
    from peft import LoraConfig, get_peft_model
    from peft.optimizers import create_loraplus_optimizer

    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    adapted = get_peft_model(model, LoraConfig(r=2, target_modules=["0", "2"]))
    theirs = create_loraplus_optimizer(adapted, torch.optim.AdamW, lr=1e-3, loraplus_lr_ratio=16.0)
    rates = {id(each): group["lr"] for group in theirs.param_groups for each in group["params"]}
    compared = []
    for name, weight in adapted.named_parameters():
        row = Row(f"backbone.{name}", tuple(weight.shape), "backbone", "block", 1, "weight")
        if id(weight) in rates:
            assert rate_of(LoraPlus(1e-3), row, ParamTable((row,), 1)) == rates[id(weight)]
            compared.append(rates[id(weight)])
    assert sorted(compared) == [1e-3, 1e-3, 16e-3, 16e-3]


@given(param_tables())
def test_lora_plus_goes_by_whole_parts_of_names(table):
    names = {
        "backbone.layer.0.lora_B.default.weight": 0.8,
        "backbone.words.lora_embedding_B.default": 0.8,
        "backbone.layer.0.lora_A.default.weight": 0.1,
        "backbone.not_lora_B.weight": 0.1,
    }
    for name, rate in names.items():
        row = Row(name, (2, 2), "backbone", "block", 1, "weight")
        assert rate_of(LoraPlus(0.1, 8.0), row, table) == pytest.approx(rate)
    assert all(rate_of(LoraPlus(0.1, heads=0.5), row, table) == 0.5 for row in table if row.role == "head")


@pytest.mark.parametrize("total", [2, 3, 10, 101])
@pytest.mark.parametrize(("low", "high"), [(1e-7, 10.0), (0.01, 1.0)])
def test_a_range_test_goes_from_low_to_high(total, low, high):
    for rise, expected in (
        ("exponential", np.geomspace(low, high, total)),
        ("linear", np.linspace(low, high, total)),
    ):
        schedule = RangeTest(low, high, rise)
        found = [schedule.rate("all", Progress(step, total, 7), step) for step in range(total)]
        assert found == pytest.approx(expected, rel=1e-9)
        assert schedule.rate("all", Progress(5 * total, total, 7), 0) == pytest.approx(high)


def test_a_straight_range_test_is_half_a_cycle_of_torch():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = lr_scheduler.CyclicLR(optimizer, 0.01, 2.0, step_size_up=40, cycle_momentum=False)
    for step in range(41):
        rate = RangeTest(0.01, 2.0, "linear").rate("all", Progress(step, 41, 7), step)
        assert rate == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RangeTest(2.0, 1.0), "low is 2.0 and high 1.0; low must not be above high"),
        (
            lambda: RangeTest(0.0, 1.0),
            "an exponential rise can't start at 0; write a small low, such as 1e-7",
        ),
    ],
)
def test_what_a_range_test_refuses(make, message):
    with pytest.raises(ValueError, match=r".") as caught:
        make()
    assert str(caught.value) == message
