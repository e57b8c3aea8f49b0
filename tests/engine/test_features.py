"""The store changes nothing: evicted, the bytes are equal; against none at all, the difference is rounding."""

import pytest
import torch
from engine_recipes import final_bytes, final_checkpoint, run_recipe, write_recipe
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from mtlkit.engine import store
from mtlkit.engine.features import Encoder, boundary
from mtlkit.testing.strategies import param_tables

BACKBONE = '[freeze]\nuse = "backbone"\n'
BLOCK = '[freeze]\nuse = "bottom-layers"\nlayers = 1\n'
THAWING = (
    '[freeze]\nuse = "phases"\nphases = [{ until = "1ep", freeze = ["backbone"] }, '
    '{ until = "2ep", freeze = ["embeddings", "blocks[0]"] }, { until = "3ep", freeze = ["heads"] }, '
    '{ freeze = ["backbone"] }]\n'
)
TOKENS = """
[data.tagged]
use = "conll"
path = "{path}"
split = {{ test = 0.2 }}
[tasks.tags]
data = "tagged"
head = {{ use = "token-classification", dropout = 0.0 }}
"""


def recipe_of(folder, freeze, length="4ep"):
    tagged = folder / "tagged.txt"
    tagged.write_text("".join(f"Bo{row % 7} B-PER\nsaw O\nit{row} O\n\n" for row in range(30)))
    pairs = '\n[tasks.pairs]\ndata = "pairs"\nhead = { use = "sentence-embedding", first = "title", second = "body" }\n'
    return write_recipe(
        folder, freeze=freeze, length=length, dropout=0.0, more=pairs + TOKENS.format(path=tagged)
    )


@pytest.mark.parametrize("freeze", [BACKBONE, BLOCK, THAWING], ids=["backbone", "block", "thawing"])
def test_runs_with_a_store_without_and_with_an_evicted_one_agree(tmp_path, freeze, monkeypatch):
    recipe = recipe_of(tmp_path, freeze, "4ep" if freeze == THAWING else "2ep")
    sgd = ["optimizer.use=sgd", "optimizer.momentum=0.9"]
    computed = []
    rows = store.Store.rows
    monkeypatch.setattr(store.Store, "rows", lambda *given: computed.append(1) or rows(*given))
    stored, _ = run_recipe(recipe, sgd)
    assert computed
    monkeypatch.setattr(store.Store.__init__, "__defaults__", evicting(store.Store.__init__.__defaults__))
    evicted, _ = run_recipe(recipe, sgd)
    assert final_bytes(evicted) == final_bytes(stored)
    computed.clear()
    monkeypatch.setattr(Encoder, "_storable", property(lambda self: False))
    direct, _ = run_recipe(recipe, sgd)
    assert not computed
    one, two = (load_file(final_checkpoint(run) / "weights.safetensors") for run in (stored, direct))
    assert max(float((one[name] - two[name]).abs().max()) for name in one) <= 1e-5


def evicting(defaults):
    """The defaults of `Store` with room for nothing."""
    assert defaults[0] == store.MAX_BYTES
    return (0, *defaults[1:])


@settings(max_examples=80)
@given(param_tables(max_depth=5), st.data())
def test_everything_at_or_below_the_boundary_is_frozen_and_something_just_above_is_not(table, data):
    trainable = frozenset(data.draw(st.lists(st.sampled_from(table.names))))
    found = boundary(table, trainable)
    backbone = [row for row in table if row.owner == "backbone"]
    assert not any(row.name in trainable for row in backbone if row.depth <= found)
    above = [row for row in backbone if row.depth == found + 1]
    assert any(row.name in trainable for row in above) == (found <= table.depth)
    assert -1 <= found <= table.depth + 1


def test_stored_states_are_the_same_bytes_for_any_batch(tmp_path):
    import mtlkit
    from mtlkit.api import preview
    from mtlkit.engine.features import Need, Reading
    from mtlkit.engine.session import open_session

    session = open_session(preview(mtlkit.plan(mtlkit.load(recipe_of(tmp_path, BLOCK)))))
    session.built.backbone.eval()
    encoder, reading = session.encoder, Reading("reviews", "train", ("text",))
    need = Need(tokens=False, poolings=frozenset({"mean"}))
    encoder.move_boundary(3, 0, frozenset({"train"}))
    with torch.no_grad():
        (together,) = encoder.features(reading, [0, 1, 2, 3, 4], need)
        encoder.store.forget(0)
        apart = [encoder.features(reading, [row], need)[0].pooled[0] for row in (4, 2, 0, 3, 1)]
    for row, pooled in zip((4, 2, 0, 3, 1), apart, strict=True):
        assert torch.equal(together.pooled[row], pooled)


def test_first_tokens_alone_are_enough_where_nothing_else_is_read():
    from itertools import product

    from mtlkit.engine.features import Need

    poolings = [frozenset(), frozenset({"cls"}), frozenset({"mean"}), frozenset({"cls", "mean"})]
    needs = [Need(*told) for told in product([False, True], poolings, [frozenset(), frozenset({1})])]
    assert [need for need in needs if need.first_alone] == [Need(False, frozenset({"cls"}))]
    assert len(needs) == 16
