"""Long rows in windows: every token counts once, and features are those of the windows by themselves."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.builtin.backbones.options import Tiny, Transformer
from mtlkit.builtin.backbones.sample import write_model
from mtlkit.builtin.backbones.tiny import TinyBackbone
from mtlkit.builtin.backbones.transformer import TransformerBackbone
from mtlkit.builtin.backbones.windows import Windows, counting
from mtlkit.contracts.place import Place

WORDS = [
    "the",
    "cat",
    "sat",
    "on",
    "a",
    "mat",
    "and",
    "it",
    "was",
    "good",
    "or",
    "bad",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
]


@pytest.fixture(scope="module")
def backbones(tmp_path_factory):
    torch.manual_seed(0)
    model = Place(str(write_model(tmp_path_factory.mktemp("windows") / "model")))
    made = (
        TransformerBackbone(Transformer(model, max_length=16, long_texts="windows", overlap=3)),
        TinyBackbone(Tiny(max_length=16, long_texts="windows", overlap=3)),
    )
    return {"transformer": made[0].eval(), "tiny": made[1].eval()}


rows = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=60).map(lambda words: (" ".join(words),)),
    st.tuples(st.integers(0, 12), st.integers(0, 60)).map(
        lambda sizes: (" ".join(WORDS[: sizes[0]]), " ".join(WORDS[at % 18] for at in range(sizes[1])))
    ),
    st.lists(st.sampled_from(WORDS), max_size=60).map(lambda words: (words,)),
)


@pytest.mark.parametrize("name", ["transformer", "tiny"])
@settings(max_examples=60, deadline=None)
@given(row=rows)
def test_every_place_of_a_long_text_counts_exactly_once(backbones, name, row):
    backbone = backbones[name]
    [item] = backbone.locate([row])
    batch = backbone.collate([item])
    assert len(item.windows) != 1
    assert all(size <= 16 for size in item.windows or (len(item),))
    last = len(row) - 1
    mask, texts = batch.mask[0], batch.texts[0]
    spans = [tuple(span) for span in batch.spans[0][mask & (texts == last)].tolist()]
    if isinstance(row[0], list):
        words = batch.words[0][mask].tolist()
        words = [word for word in words if word >= 0]
        assert sorted(set(words)) == list(range(len(row[0])))
        assert words == sorted(words)
    elif item.windows:
        assert spans == sorted(set(spans))
        assert "".join(row[last][start:end] for start, end in spans) == row[last].replace(" ", "")
    assert (batch.words[0][~mask] == -1).all()
    assert (texts[~mask] == -1).all()


@pytest.mark.parametrize("name", ["transformer", "tiny"])
def test_a_windowed_row_has_the_features_of_its_windows_beside_any_other_row(backbones, name):
    backbone = backbones[name]
    long = " ".join(WORDS * 3)
    items = backbone.prepare([(long,), ("the cat",), (" ".join(WORDS * 2),)])
    assert [bool(item.windows) for item in items] == [True, False, True]
    batch = backbone.collate(items)
    with torch.no_grad(), backbone.keep([0, 1]) as kept:
        together = backbone.forward(batch).tokens
        for at, item in enumerate(items):
            alone = backbone.forward(backbone.collate([item])).tokens[0]
            torch.testing.assert_close(together[at, : len(item)], alone, rtol=0, atol=1e-5)
    assert kept[1].shape[0] == 1
    start = 0
    for size in items[0].windows:
        ids = items[0].ids[start : start + size]
        window = type(items[0])(ids, None if items[0].types is None else items[0].types[start : start + size])
        with torch.no_grad():
            alone = backbone.forward(backbone.collate([window])).tokens[0]
        torch.testing.assert_close(together[0, start : start + size], alone, rtol=0, atol=1e-5)
        start += size


@pytest.mark.parametrize("name", ["transformer", "tiny"])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_windowed_rows_split_bit_for_bit(backbones, name, depth):
    backbone = backbones[name]
    batch = backbone.collate(backbone.prepare([(" ".join(WORDS * 3),), ("the cat", " ".join(WORDS * 2))]))
    depth = min(depth, backbone.depth)
    with torch.no_grad(), backbone.keep(range(backbone.depth + 1)) as kept:
        whole = backbone.forward(batch).tokens
        states = dict(kept)
        hidden = backbone.stem(batch, depth)
        assert torch.equal(states[depth][batch.mask], hidden[batch.mask])
        again = backbone.tail(hidden, batch, depth).tokens
    assert torch.equal(whole[batch.mask], again[batch.mask])


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=4), min_size=1, max_size=4),
    width=st.integers(0, 3),
)
def test_taking_apart_and_putting_together_gives_the_same_values(sizes, width):
    total = max(map(sum, sizes)) + width
    windows = Windows.of(sizes, total)
    values = torch.arange(len(sizes) * total, dtype=torch.float32).view(len(sizes), total) + 1
    apart = windows.apart(values)
    assert apart.shape[0] == sum(map(len, sizes))
    assert (apart[~windows.mask] == 0).all()
    again = windows.together(apart)
    for row, lengths in enumerate(sizes):
        assert torch.equal(again[row, : sum(lengths)], values[row, : sum(lengths)])


def test_of_tokens_that_two_windows_share_the_one_further_from_the_edge_counts():
    first, second = np.array([-1, 0, 0, 0, 0, -1]), np.array([-1, 0, 0, 0, -1])
    assert counting([first, second], 2).tolist() == [
        *[True] * 4,
        False,
        True,
        *[False] * 2,
        *[True] * 2,
        False,
    ]


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"max_length": 16, "overlap": 4}, "overlap 4 is too much for max_length 16: at most 3"),
        ({"max_length": 7, "overlap": 0}, "windows of max_length 7 are too short: take 8 or more"),
    ],
)
def test_windows_that_can_not_be_are_refused(told, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Tiny(long_texts="windows", **told)
    Tiny(long_texts="cut", **told)
