import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.contracts.params import ParamTable, Row
from mtlkit.engine.apply import Handles, apply_trainable
from mtlkit.engine.digest import check_unchanged, combined, frozen_digests, stem_digests, tensor_digest
from mtlkit.errors import TrainingError
from mtlkit.testing.models import build_module, model_specs, table_of

ADVICE = (
    "something other than the optimizer writes to them: look at the plugins of this recipe that "
    "touch the model in forward or loss"
)


@settings(max_examples=80)
@given(model_specs(), st.data())
def test_any_bit_of_anything_frozen_is_noticed_and_named(spec, data):
    model = build_module(spec)
    table, handles = table_of(model), Handles.of(model)
    named = [row.name for row in table if row.trainable]
    trainable = frozenset(data.draw(st.lists(st.sampled_from(named)))) if named else frozenset()
    apply_trainable(handles, trainable)
    before = frozen_digests(handles, table, trainable)
    check_unchanged(before, frozen_digests(handles, table, trainable), "phase-1")
    row = data.draw(st.sampled_from([row for row in table if row.numel]))
    bits = handles.parameters(row.name)[0].data.view(torch.int32)
    place = tuple(data.draw(st.integers(0, size - 1)) for size in bits.shape)
    bits[place] ^= 1 << data.draw(st.integers(0, 30))
    after = frozen_digests(handles, table, trainable)
    if row.name in trainable:
        assert after == before
        assert combined(after) == combined(before)
        return
    assert combined(after) != combined(before)
    with pytest.raises(TrainingError) as caught:
        check_unchanged(before, after, "phase-1")
    (problem,) = caught.value.problems
    assert problem.message == f"frozen weights moved during phase-1: {row.name}"
    assert problem.suggestion == ADVICE


def test_a_buffer_of_a_frozen_module_is_noticed_and_that_of_a_live_one_is_not():
    norm = {"kind": "batchnorm", "of": 0, "frozen": False}
    spec = {"seed": 0, "embeddings": [norm], "blocks": {"1": [norm]}, "final": [], "heads": {"news": [norm]}}
    model = build_module(spec)
    table, handles = table_of(model), Handles.of(model)
    trainable = frozenset(name for name in table.names if "layer" in name)
    before = frozen_digests(handles, table, trainable)
    model.backbone.layer["1"][0].running_mean += 1
    check_unchanged(before, frozen_digests(handles, table, trainable), "p")
    model.backbone.embeddings[0].num_batches_tracked += 1
    with pytest.raises(TrainingError) as caught:
        check_unchanged(before, frozen_digests(handles, table, trainable), "p")
    assert caught.value.problems[0].message == (
        "frozen weights moved during p: backbone.embeddings.0.num_batches_tracked"
    )


def test_a_buffer_that_is_gone_has_moved():
    with pytest.raises(TrainingError, match="frozen weights moved during p: a.running_mean"):
        check_unchanged({"a.running_mean": "1", "b": "2"}, {"b": "2"}, "p")


def test_many_are_counted_not_listed():
    with pytest.raises(TrainingError) as caught:
        check_unchanged(dict.fromkeys("abcdefghij", "0"), dict.fromkeys("abcdefghij", "1"), "p")
    assert (
        caught.value.problems[0].message == "frozen weights moved during p: a, b, c, d, e, f, g, h and 2 more"
    )


@pytest.mark.parametrize(
    "pair",
    [
        (torch.tensor(0.0), torch.tensor(-0.0)),
        (torch.zeros(2, 3), torch.zeros(3, 2)),
        (torch.zeros(0, 2), torch.zeros(2, 0)),
        (torch.zeros(2), torch.zeros(2, dtype=torch.int32)),
        (torch.tensor(1.0, dtype=torch.bfloat16), torch.tensor(1.0, dtype=torch.float16)),
    ],
)
def test_digests_differ_in_sign_of_zero_shape_and_dtype(pair):
    assert tensor_digest(pair[0]) != tensor_digest(pair[1])


def test_layout_is_no_difference_and_nan_equals_itself():
    value = torch.randn(3, 2)
    value[0, 0] = torch.nan
    assert tensor_digest(value.t().contiguous().t()) == tensor_digest(value)


def test_a_stem_is_known_by_what_is_frozen_up_to_it_and_by_nothing_above():
    rows = [
        Row(f"backbone.{depth}", (2,), "backbone", "block" if depth else "embeddings", depth, "weight")
        for depth in range(4)
    ]
    table = ParamTable((*rows, Row("heads.news.w", (2,), "news", "head", 5, "weight")), 3)
    digests = {f"backbone.{depth}": str(depth) for depth in range(4)} | {
        "backbone.seen": "0",
        "heads.news.w": "h",
    }
    whole = stem_digests(digests, table)
    assert sorted(whole) == [0, 1, 2, 3, 4]
    for thawed in range(4):
        known = {name: told for name, told in digests.items() if name != f"backbone.{thawed}"}
        assert sorted(stem_digests(known, table)) == list(range(thawed))
        moved = stem_digests({**digests, f"backbone.{thawed}": "other"}, table)
        assert [depth for depth in whole if moved[depth] != whole[depth]] == [
            depth for depth in whole if depth >= thawed
        ]
    assert stem_digests({**digests, "heads.news.w": "other"}, table) == whole
    assert not set(stem_digests({**digests, "backbone.seen": "1"}, table).values()) & set(whole.values())
