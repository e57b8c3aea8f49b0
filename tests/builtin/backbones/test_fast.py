"""The fast path gives what Hugging Face's own forward gives: states, gradients, and dropout's distribution."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from model_folders import CONFIGS, FAMILY_CONFIGS, write_model

from mtlkit.builtin.backbones.byte_dropout import ByteDropout, byte_dropout
from mtlkit.builtin.backbones.fast import FAMILY
from mtlkit.builtin.backbones.options import Transformer
from mtlkit.builtin.backbones.packing import GROUP_ROWS, WIDTH_STEP, Packing, rounded
from mtlkit.builtin.backbones.transformer import TransformerBackbone
from mtlkit.contracts.place import Place

CPU = torch.device("cpu")
LETTERS = "abcdefghijklmnop"
texts = st.text(LETTERS + " ", max_size=12)
lengths = st.lists(st.integers(0, 7), min_size=1, max_size=20).filter(any)


def pair(folder, **options):
    return [
        TransformerBackbone(Transformer(Place(str(folder)), **{"max_length": 16, "fast": fast, **options}))
        for fast in ("auto", "off")
    ]


@pytest.fixture(scope="module", params=sorted(FAMILY))
def both(request, tmp_path_factory):
    return pair(write_model(tmp_path_factory.mktemp(request.param), request.param))


def outcome(backbone, rows):
    """States at real tokens, and the gradient of each weight."""
    backbone.eval()
    backbone.zero_grad()
    features = backbone(backbone.collate(backbone.prepare(rows)))
    states = features.tokens[features.mask]
    (states * torch.linspace(-1, 1, states.shape[-1])).square().sum().backward()
    return states.detach(), {name: weight.grad for name, weight in backbone.named_parameters()}


def test_the_family_is_covered():
    assert {"bert", "camembert", "distilbert", "electra", "roberta", "xlm-roberta"} == FAMILY
    assert set(CONFIGS) | set(FAMILY_CONFIGS) >= FAMILY


@settings(max_examples=15)
@given(rows=st.lists(texts | st.tuples(texts, texts), min_size=1, max_size=2 * GROUP_ROWS + 1))
def test_states_and_gradients_are_those_of_the_plain_forward(both, rows):
    rows = [row if isinstance(row, tuple) else (row,) for row in rows]
    (fast, states), (plain, expected) = [(each, outcome(each, rows)) for each in both]
    assert fast.ragged
    assert not plain.ragged
    assert fast.note() == "rows are encoded without padding, with dropout by bytes (backbone.fast)"
    assert plain.note() == "rows are padded to the longest of those with like length (backbone.fast is off)"
    assert torch.allclose(states[0], expected[0], rtol=1e-5, atol=1e-5)
    assert states[1].keys() == expected[1].keys()
    for name, gradient in states[1].items():
        theirs = expected[1][name]
        assert (gradient is None) == (theirs is None), name
        if theirs is not None:
            assert torch.allclose(
                gradient, theirs, rtol=1e-4, atol=1e-4 * max(1.0, float(theirs.abs().max()))
            ), name


def test_states_and_gradients_of_windows_are_those_of_the_plain_forward(tmp_path):
    backbones = pair(write_model(tmp_path / "bert", "bert"), long_texts="windows", overlap=2)
    rows = [("a b c " * 20,), ("d",), ("e f " * 9,)]
    (states, gradients), (theirs, expected) = (outcome(each, rows) for each in backbones)
    assert len(states) > 80
    assert torch.allclose(states, theirs, rtol=1e-5, atol=1e-5)
    assert all(torch.allclose(gradients[name], expected[name], rtol=1e-3, atol=1e-3) for name in gradients)


@pytest.mark.parametrize("kind", sorted(set(CONFIGS) - FAMILY))
def test_other_kinds_run_as_they_are(kind, tmp_path):
    fast, plain = pair(write_model(tmp_path / kind, kind))
    assert not fast.ragged
    assert not any(isinstance(module, ByteDropout) for module in fast.modules())
    assert fast.note() == (
        "rows are padded to the longest of those with like length (backbone.fast knows bert, camembert, distilbert, "
        f"electra, roberta, xlm-roberta, not {kind})"
    )
    rows = [("ab c",), ("d",)]
    assert torch.equal(outcome(fast, rows)[0], outcome(plain, rows)[0])


def test_weights_go_by_the_same_names(both):
    fast, plain = both
    assert [name for name, _ in fast.named_parameters()] == [name for name, _ in plain.named_parameters()]
    assert fast.state_dict().keys() == plain.state_dict().keys()


def test_the_configuration_is_as_it_was(both):
    fast, plain = both
    outcome(fast, [("ab",)])
    assert fast.model.config._attn_implementation == plain.model.config._attn_implementation
    assert fast.model.config.to_dict() == plain.model.config.to_dict()


def test_with_dropout_states_scatter_as_those_of_the_plain_forward_do(both):
    """Means over 300 draws agree within four standard errors for nearly every state, variances within a third."""
    draws, rows = 300, [("abc d",), ("e",), ("fg",)]
    seen = []
    for backbone in both:
        backbone.train()
        batch = backbone.collate(backbone.prepare(rows))
        torch.manual_seed(0)
        with torch.no_grad():
            found = [backbone(batch).tokens[batch.mask] for _ in range(draws)]
        seen.append(torch.stack(found))
    fast, plain = seen
    error = ((fast.var(0) + plain.var(0)) / draws).sqrt()
    assert ((fast.mean(0) - plain.mean(0)).abs() < 4 * error + 1e-6).float().mean() > 0.98
    ratio = fast.var(0).mean() / plain.var(0).mean()
    assert 0.75 < ratio < 4 / 3


@given(lengths, st.integers(0, 3))
def test_packing_there_and_back_changes_nothing_but_padding(sizes, more):
    width = max(sizes) + more
    packing = Packing.of(sizes, width, CPU)
    values = torch.arange(1.0, 1 + len(sizes) * width * 2).view(len(sizes), width, 2)
    mask = torch.arange(width) < torch.tensor(sizes)[:, None]
    packed = packing.together(values)
    assert packed.shape == (1, rounded(sum(sizes)), 2)
    assert not packed[0, sum(sizes) :].any()
    assert torch.equal(packing.apart(packed), values * mask[..., None])
    assert packing.positions[: sum(sizes)].tolist() == [at for size in sizes for at in range(size)]
    assert len(packing.positions) == rounded(sum(sizes))


def test_sizes_are_few_and_at_most_a_sixteenth_larger():
    sizes = [rounded(size) for size in range(1, 4097)]
    assert all(size <= now <= size * 17 / 16 for size, now in enumerate(sizes, start=1))
    assert [rounded(now) for now in sizes] == sizes
    assert len(set(sizes[1024:2048])) == 16 == len(set(sizes[2048:]))


@given(lengths)
def test_groups_hold_each_row_once_longest_first(sizes):
    packing = Packing.of(sizes, max(sizes), CPU)
    widths = [group.width for group in packing.groups]
    assert widths == sorted(widths, reverse=True)
    assert all(width % WIDTH_STEP == 0 for width in widths)
    assert sum(group.rows for group in packing.groups) == sum(size > 0 for size in sizes)
    assert all(group.rows <= GROUP_ROWS for group in packing.groups)
    real = [
        torch.ones(group.rows, group.width, dtype=torch.bool) if group.mask is None else group.mask
        for group in packing.groups
    ]
    assert sum(int(mask.sum()) for mask in real) == sum(sizes)
    assert torch.equal(packing.there[packing.back], torch.arange(sum(sizes)))


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("rate", [0.05, 0.1, 0.2, 0.5, 0.9])
def test_byte_dropout_drops_at_its_rate_and_keeps_the_mean(rate, kind):
    torch.manual_seed(1)
    values = torch.ones(400_001, dtype=kind, requires_grad=True)
    kept = byte_dropout(values, rate)
    zeros = round(rate * 256) / 256
    share = float((kept == 0).double().mean())
    assert abs(share - zeros) < 4 * (zeros * (1 - zeros) / values.numel()) ** 0.5
    assert abs(zeros - rate) < 0.02 * rate
    assert set(kept.detach().unique().tolist()) == {0.0, torch.tensor(1 / (1 - zeros), dtype=kind).item()}
    kept.sum().backward()
    assert torch.equal(values.grad, kept.detach()), (
        "what is dropped gets no gradient, the rest the same factor"
    )


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.999, 1.0])
def test_rates_that_bytes_do_not_meet_are_torchs_own(rate):
    values = torch.ones(10_000)
    torch.manual_seed(2)
    ours = byte_dropout(values, rate)
    torch.manual_seed(2)
    assert torch.equal(ours, torch.nn.functional.dropout(values, rate))


def test_dropout_is_off_in_eval_mode_and_where_its_rate_is_zero():
    values, module = torch.ones(64), ByteDropout(0.5)
    state = torch.random.get_rng_state()
    assert module.eval()(values) is values
    assert byte_dropout(values, 0.0) is values
    assert torch.equal(torch.random.get_rng_state(), state)
    assert (module.train()(values) == 0).any()


def test_neighbouring_bytes_are_independent():
    torch.manual_seed(3)
    dropped = (byte_dropout(torch.ones(1_000_000), 0.5) == 0).float()
    for lag in (1, 2, 4, 7, 8, 9, 384):
        both = (dropped[:-lag] * dropped[lag:]).mean()
        assert abs(float(both) - 0.25) < 0.003, lag
