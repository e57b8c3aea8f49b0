import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.builtin.backbones.options import Tiny
from mtlkit.builtin.backbones.tiny import TinyBackbone
from mtlkit.contracts.backbone import Splittable

TEXTS = st.text("ab c.,É", max_size=12)
ROWS = st.lists(
    st.one_of(
        st.tuples(TEXTS), st.tuples(TEXTS, TEXTS), st.tuples(st.lists(TEXTS, max_size=6)), st.just((None,))
    ),
    min_size=1,
    max_size=5,
)


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    return TinyBackbone(Tiny(max_length=12)).eval()


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_rows_are_cut_and_padding_changes_nothing(tiny, rows):
    items = tiny.prepare(rows)
    assert all(2 <= len(item) <= 12 for item in items)
    whole = tiny(tiny.collate(items))
    assert whole.mask.sum(1).tolist() == [len(item) for item in items]
    for place, item in enumerate(items):
        alone = tiny(tiny.collate([item]))
        torch.testing.assert_close(whole.tokens[place, : len(item)], alone.tokens[0], atol=1e-6, rtol=1e-5)
        assert torch.equal(whole.words[place, : len(item)], alone.words[0])


@settings(max_examples=30, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_rows_follow_a_permutation(tiny, rows, random):
    order = random.sample(range(len(rows)), len(rows))
    items = tiny.prepare(rows)
    whole, mixed = tiny(tiny.collate(items)), tiny(tiny.collate([items[place] for place in order]))
    torch.testing.assert_close(mixed.tokens, whole.tokens[order], atol=1e-6, rtol=1e-5)


@settings(max_examples=20, deadline=None)
@given(ROWS)
def test_stem_then_tail_is_forward_bit_for_bit(tiny, rows):
    assert isinstance(tiny, Splittable)
    batch = tiny.collate(tiny.prepare(rows))
    whole = tiny(batch)
    for depth in range(tiny.depth + 1):
        assert torch.equal(tiny.tail(tiny.stem(batch, depth), batch, depth).tokens, whole.tokens)


def test_weights_above_the_split_get_the_same_gradient(tiny):
    batch = tiny.collate(tiny.prepare([("a b c",), ("a", "b")]))

    def gradients(features, depth):
        tiny.zero_grad()
        loss = (features.tokens * torch.linspace(-1, 1, tiny.hidden_size))[features.mask].sum()
        if loss.requires_grad:
            loss.backward()
        return [p.grad.clone() for name, p in tiny.named_parameters() if tiny.place(name)[1] > depth]

    for depth in range(tiny.depth + 1):
        whole = gradients(tiny(batch), depth)
        parts = gradients(tiny.tail(tiny.stem(batch, depth).detach(), batch, depth), depth)
        assert all(torch.equal(one, other) for one, other in zip(parts, whole, strict=True))
        assert bool(parts) == (depth < tiny.depth)


def test_every_word_and_both_texts_matter(tiny):
    def first(row):
        return tiny(tiny.collate(tiny.prepare([row]))).tokens[0, 0]

    rows = [("a b",), ("a c",), ("b a",), ("a", "b"), ("a",)]
    vectors = torch.stack([first(row) for row in rows])
    assert (torch.cdist(vectors, vectors) + torch.eye(len(rows))).min() > 1e-3
    assert torch.equal(first(("A  b",)), first(("a b",)))


def test_words_are_numbered_where_the_row_has_words(tiny):
    words, text, cut = tiny.prepare([(["New York", "", "x"],), ("New York",), (["w"] * 20,)])
    assert words.words.tolist() == [-1, 0, 1, 2, -1]
    assert text.words is None
    assert cut.words.tolist() == [-1, *range(10), -1]


def test_places_and_the_plan_without_weights(tiny):
    with torch.device("meta"):
        planned = TinyBackbone(Tiny(max_length=12), pretrained=False)
    assert {weight.device.type for weight in planned.parameters()} == {"meta"}
    assert [name for name, _ in planned.named_parameters()] == [name for name, _ in tiny.named_parameters()]
    assert tiny.place("embeddings.tokens.weight") == ("embeddings", 0)
    assert tiny.place("blocks.1.qkv.bias") == ("block", 2)
    assert {depth for _, depth in map(tiny.place, dict(tiny.named_parameters()))} == {0, 1, 2}


def test_weights_come_from_the_global_generator():
    def weights(seed):
        torch.manual_seed(seed)
        return torch.cat([weight.flatten() for weight in TinyBackbone(Tiny()).parameters()])

    assert torch.equal(weights(3), weights(3))
    assert not torch.equal(weights(3), weights(4))


def test_dropout_acts_in_training_only():
    torch.manual_seed(0)
    tiny = TinyBackbone(Tiny(dropout=0.5))
    batch = tiny.collate(tiny.prepare([("a b c",)]))
    assert not torch.equal(tiny(batch).tokens, tiny(batch).tokens)
    tiny.eval()
    assert torch.equal(tiny(batch).tokens, tiny(batch).tokens)


def test_heads_must_divide_the_hidden_size():
    with pytest.raises(ValueError, match=r"^hidden_size 30 is not a multiple of heads 4$"):
        Tiny(hidden_size=30, heads=4)


def test_transformers_is_not_imported_and_ids_are_the_same_in_every_process():
    code = (
        "import sys; from mtlkit.builtin.backbones.options import Tiny\n"
        "from mtlkit.builtin.backbones.tiny import TinyBackbone\n"
        "ids = TinyBackbone(Tiny()).prepare([('Some words.',)])[0].ids.tolist()\n"
        "print(ids, 'transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == f"{TinyBackbone(Tiny()).prepare([('Some words.',)])[0].ids.tolist()} False\n"


def test_options_need_no_torch():
    modules = "mtlkit.builtin.backbones.options, mtlkit.builtin.heads.token_options"
    code = (
        f"import sys, {modules}; print([m for m in ('torch', 'transformers', 'numpy') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
