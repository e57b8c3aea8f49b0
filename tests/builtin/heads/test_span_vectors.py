import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.builtin.heads.span_options import SpanClassification
from mtlkit.builtin.heads.span_vectors import SpanExtractor

SIZE = 4


def extractor(kind, **options):
    torch.manual_seed(0)
    return SpanExtractor(SpanClassification(extractor=kind, **options), SIZE)


def alone(module, words):
    """The vector of a span of all these words, the slow way."""
    if module.options.extractor == "endpoint":
        return torch.cat([words[0], words[-1]])
    if module.options.extractor == "max":
        return torch.stack([words[:, place].max() for place in range(SIZE)])
    shares = torch.stack([module.score(word) for word in words]).squeeze(-1).softmax(0)
    return sum(share * word for share, word in zip(shares, words, strict=True))


@pytest.mark.parametrize("kind", ["endpoint", "self-attention", "max"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_span_is_made_of_its_words_that_were_seen(kind, data):
    module = extractor(kind)
    words = torch.randn(1, 5, SIZE, generator=torch.Generator().manual_seed(data.draw(st.integers(0, 99))))
    seen = torch.tensor([data.draw(st.lists(st.booleans(), min_size=5, max_size=5))])
    begin = data.draw(st.integers(0, 6))
    end = data.draw(st.integers(begin + 1, 8))  # may lie behind the last word that was seen
    found, alive = module(
        words.masked_fill(~seen.unsqueeze(-1), 0.0), seen, torch.tensor([[[begin, end], [-1, -1]]])
    )
    kept = words[0, begin:end][seen[0, begin:end]]
    assert alive.tolist() == [[bool(len(kept)), False]]
    wanted = alone(module, kept) if len(kept) else torch.zeros(module.size)
    torch.testing.assert_close(found[0, 0], wanted)
    assert not found[0, 1].any()


def test_rows_without_words_have_dead_spans():
    for kind in ("endpoint", "self-attention", "max"):
        found, alive = extractor(kind)(
            torch.zeros(2, 0, SIZE), torch.zeros(2, 0).bool(), torch.ones(2, 3, 2).long()
        )
        assert found.shape == (2, 3, 8 if kind == "endpoint" else 4)
        assert not alive.any()


def test_wide_spans_share_the_vector_of_the_widest():
    module = extractor("max", width_size=3, max_width=2)
    assert module.size == SIZE + 3
    words = torch.ones(1, 6, SIZE)
    spans = torch.tensor([[[0, 1], [0, 2], [0, 3], [1, 6]]])
    [found], _ = module(words, torch.ones(1, 6).bool(), spans)
    torch.testing.assert_close(found[:, SIZE:], module.widths.weight[[0, 1, 1, 1]])
