from types import SimpleNamespace

import attrs
import numpy as np
import pytest
import torch
from token_cases import BACKBONE, HIDDEN, asked, features, head, of_items

from mtlkit.builtin.heads.language_options import MaskedLm
from mtlkit.builtin.heads.masked_lm import MaskedLmHead
from mtlkit.builtin.heads.masking import Masking
from mtlkit.contracts.head import HeadContext
from mtlkit.errors import PluginError, RecipeError

VOCABULARY = BACKBONE.vocabulary()
ROWS = [{"text": "one two three four five six seven"}, {"text": "New York is very long"}, {"text": None}]


def items_of(*texts):
    return BACKBONE.locate([(text,) for text in texts])


def masking(share=0.15, whole_word=False):
    return Masking.of(VOCABULARY, VOCABULARY.mask, share, whole_word)


def test_eight_of_ten_chosen_tokens_are_masked_and_one_is_replaced():
    [item] = items_of(" ".join(f"word{number}" for number in range(60)))
    rng, chosen, masked, same = np.random.default_rng(0), 0, 0, 0
    for _ in range(300):
        ids, places = masking().hidden(item, rng)
        assert np.array_equal(ids[~places], item.ids[~places])
        assert places.sum() == 9, "15 % of 60 tokens"
        assert not places[[0, -1]].any(), "special tokens are left alone"
        assert not np.isin(ids[places], [0, 1, 2]).any()
        chosen, masked = chosen + places.sum(), masked + (ids[places] == VOCABULARY.mask).sum()
        same += (ids[places] == item.ids[places]).sum()
    assert masked / chosen == pytest.approx(0.8, abs=0.03)
    assert same / chosen == pytest.approx(0.1 + 0.1 / 60, abs=0.03)


def test_one_token_at_least_is_hidden_where_there_is_any():
    for text, most in (("one", 1), ("one two three", 1), ("", 0)):
        [item] = items_of(text)
        _, places = masking().hidden(item, np.random.default_rng(0))
        assert places.sum() == most


def test_whole_words_are_hidden_together():
    [item] = items_of("don't stop, New York is well-known")
    words = [(0, 5), (6, 11), (12, 15), (16, 20), (21, 23), (24, 34)]
    for seed in range(40):
        _, places = masking(0.3, whole_word=True).hidden(item, np.random.default_rng(seed))
        assert places.any()
        for begin, end in words:
            own = (item.texts == 0) & (item.spans[:, 0] >= begin) & (item.spans[:, 1] <= end)
            assert places[own].all() or not places[own].any()
    listed = SimpleNamespace(ids=np.arange(10, 16), words=np.array([0, 0, 1, 1, 1, 2]))
    for seed in range(20):
        _, places = masking(0.3, whole_word=True).hidden(listed, np.random.default_rng(seed))
        assert tuple(places.tolist()) in [
            (True,) * 2 + (False,) * 4,
            (False,) * 2 + (True,) * 3 + (False,),
            (False,) * 5 + (True,),
            (True, True, False, False, False, True),
            (False,) * 2 + (True,) * 4,
        ]


def test_whole_words_need_to_be_known():
    item = SimpleNamespace(ids=np.arange(10, 16), words=None)
    with pytest.raises(PluginError) as caught:
        masking(whole_word=True).hidden(item, np.random.default_rng(0))
    assert str(caught.value) == (
        "masked-lm hides whole words, and the backbone does not say where tokens are in the text  "
        "say `whole_word = false`, or use a backbone that has `locate`"
    )
    assert head("masked-lm", whole_word=True).located
    assert not head("masked-lm").located


def test_rows_are_changed_in_copies_and_the_same_for_the_same_seed():
    module, items = head("masked-lm", share=0.5), items_of(*(row["text"] for row in ROWS))
    before = [item.ids.copy() for item in items]
    (one, targets), (other, again) = (module.corrupt(items, np.random.default_rng(3)) for _ in range(2))
    assert all(np.array_equal(item.ids, ids) for item, ids in zip(items, before, strict=True))
    assert all(np.array_equal(a.ids, b.ids) for a, b in zip(one, other, strict=True))
    assert torch.equal(targets, again)
    for row, ids in enumerate(before):
        hidden = targets[row, : len(ids)] != -100
        assert torch.equal(targets[row, : len(ids)][hidden], torch.tensor(ids)[hidden].long())
        assert (targets[row, len(ids) :] == -100).all()
    assert module.count(targets) == 4 + 2


def test_the_loss_is_torchs_over_hidden_tokens():
    module = head("masked-lm", share=0.5)
    items = items_of(*(row["text"] for row in ROWS))
    changed, targets = module.corrupt(items, np.random.default_rng(0))
    [view] = of_items(changed)
    states = view.tokens.masked_fill(~view.mask.unsqueeze(-1), 0.0)
    vectors = module.norm(torch.nn.functional.gelu(module.dense(states)))
    every = vectors @ BACKBONE.embeddings.tokens.weight.T + module.bias
    wanted = torch.nn.functional.cross_entropy(every.transpose(1, 2), targets, reduction="sum")
    for training in (False, True):
        module.train(training)
        output = module([view], targets)
        assert output.shape == (3, 4, 64 + (not training))
        term = module.loss(output, targets)
        torch.testing.assert_close(term.sum, wanted)
        assert term.count == 6


def test_padding_is_never_read_and_rows_add_up():
    module = head("masked-lm", share=0.5)
    items = items_of(*(row["text"] for row in ROWS))
    changed, targets = module.corrupt(items, np.random.default_rng(0))
    plain = module.loss(module(of_items(changed), targets), targets)
    padded = module.loss(module(of_items(changed, extra=4), targets), targets)
    torch.testing.assert_close(padded.sum, plain.sum)
    parts = [
        module.loss(module(of_items([each]), row[None, : len(each)]), row[None, : len(each)])
        for each, row in zip(changed, targets, strict=True)
    ]
    torch.testing.assert_close(sum(part.sum for part in parts), plain.sum)
    assert sum(part.count for part in parts) == plain.count
    assert parts[2].count == 0
    assert float(parts[2].sum.detach()) == 0


def test_the_last_layer_is_the_backbones_own():
    module = head("masked-lm")
    assert module.table is BACKBONE.embeddings.tokens.weight
    names = dict(module.named_parameters())
    assert set(names) == {"table", "bias", "dense.weight", "dense.bias", "norm.weight", "norm.bias"}


def test_what_was_hidden_is_measured():
    module = head("masked-lm", share=0.5)
    output, targets = asked(module, ROWS)
    predictions = module.decode(output)
    term = module.loss(output, targets)
    known = [targets[row][targets[row] != -100].tolist() for row in range(3)]
    assert [found["gold"] for found in predictions] == known
    assert sum(found["loss"] for found in predictions) == pytest.approx(float(term.sum.detach()), rel=1e-5)
    perplexity, accuracy = module.metrics(predictions, ROWS)
    assert perplexity.compute(perplexity.records) == pytest.approx(
        float((term.sum / term.count).exp().detach()), rel=1e-4
    )
    assert not perplexity.higher_is_better
    right = [
        sum(a == b for a, b in zip(found["ids"], found["gold"], strict=True)) for found in predictions[:2]
    ]
    assert accuracy.records.tolist() == [[right[0], 4], [right[1], 2]]
    assert module.metrics(predictions[2:], ROWS[2:]) == ()


def test_prediction_fills_the_mask_tokens():
    module = head("masked-lm")
    rows = [{"text": "one [MASK] three [MASK]"}, {"text": "no mask"}]
    output = module(features(module, rows), None)
    predictions = module.decode(output)
    assert [len(found["ids"]) for found in predictions] == [2, 0]
    assert [(found["gold"], found["loss"]) for found in predictions] == [([], 0.0)] * 2
    assert module.present(predictions, rows) == [
        {"tokens": BACKBONE.tokens(predictions[0]["ids"])},
        {"tokens": []},
    ]
    assert module.decode(module.train()(features(module, rows), None)) == predictions
    assert module.metrics(predictions, rows) == ()
    nameless = attrs.evolve(VOCABULARY, names=None)
    other = MaskedLmHead(MaskedLm(), HeadContext("t", HIDDEN, (), 2, nameless))
    assert other.present(predictions[1:], rows[1:]) == [{"tokens": []}]
    assert other.present([{"ids": [7]}], rows[:1]) == [{"tokens": ["7"]}]


def test_rows_have_no_labels():
    module = head("masked-lm")
    assert module.targets(ROWS).shape == (3, 0)
    assert module.count(module.targets(ROWS)) == 0


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        (None, "tasks.t.head.use  the backbone reads no text, so there are no tokens to hide"),
        (
            attrs.evolve(VOCABULARY, mask=None),
            "tasks.t.head.use  the vocabulary of the backbone has no mask token  "
            "use a model that was trained with one, such as BERT",
        ),
    ],
)
def test_backbones_without_what_it_needs(vocabulary, message):
    with pytest.raises(RecipeError) as caught:
        MaskedLmHead(MaskedLm(), HeadContext("t", HIDDEN, (), 2, vocabulary))
    assert str(caught.value) == message


def test_mask_tokens_need_ids_to_be_found():
    module = head("masked-lm")
    view = attrs.evolve(features(module, ROWS)[0], ids=None)
    with pytest.raises(PluginError) as caught:
        module([view], None)
    assert str(caught.value) == (
        "masked-lm fills mask tokens, and the backbone does not say the ids of its tokens  "
        "give its batches the attribute `ids`"
    )
