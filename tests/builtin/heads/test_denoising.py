"""The objective `denoising`: what is deleted, what is counted, and that a vector is what the text is written from."""

import numpy as np
import pytest
import torch
from attrs import frozen

from mtlkit.builtin.backbones.options import Tiny
from mtlkit.builtin.backbones.tiny import TinyBackbone
from mtlkit.builtin.heads.denoising import DenoisingHead
from mtlkit.builtin.heads.embedding_options import SentenceEmbedding
from mtlkit.builtin.heads.objectives.denoising import IGNORED, whole_texts, without_some
from mtlkit.builtin.heads.sentence_decoder import SentenceDecoder, waves
from mtlkit.builtin.heads.sentence_embedding import build
from mtlkit.contracts.backbone import Features
from mtlkit.contracts.head import HeadContext
from mtlkit.errors import RecipeError
from mtlkit.testing import check_plugin

TEXTS = ("one two three four", "", "five", "six seven eight nine ten eleven twelve thirteen")


@frozen(eq=False)
class Item:
    ids: np.ndarray
    types: np.ndarray | None
    name: str

    def __len__(self):
        return len(self.ids)


@pytest.fixture
def backbone():
    torch.manual_seed(0)
    return TinyBackbone(Tiny(hidden_size=8, vocabulary=64)).eval()


def head(backbone, **options):
    torch.manual_seed(1)
    made = SentenceEmbedding(objective="denoising", **options)
    context = HeadContext("t", backbone.hidden_size, (), backbone.depth, backbone.vocabulary())
    return build(made, context).eval()


def features(backbone, items):
    batch = backbone.collate(items)
    read = backbone(batch)
    pooled = (read.tokens * batch.mask[..., None]).sum(1) / batch.mask.sum(1, keepdim=True)
    return [Features(read.tokens, batch.mask, batch.words, pooled)]


def test_tokens_of_texts_are_deleted_and_special_ones_kept():
    rng = np.random.default_rng(0)
    item = Item(np.asarray([1, *range(10, 1010), 2]), np.arange(1002), "x")
    (cut,) = without_some([item], 0.6, {0, 1, 2, 3}, rng)
    assert 340 < len(cut) - 2 < 460
    assert (cut.ids[0], cut.ids[-1], cut.name) == (1, 2, "x")
    assert (np.diff(cut.ids[1:-1]) > 0).all()
    assert cut.types[1:-1].tolist() == (cut.ids[1:-1] - 9).tolist()
    (none,) = without_some([Item(np.asarray([1, 2]), None, "")], 0.9, {1, 2}, rng)
    assert none.ids.tolist() == [1, 2]
    (same,) = without_some([item], 0.0, {1, 2}, rng)
    assert np.array_equal(same.ids, item.ids)


def test_one_token_is_kept_at_least():
    rng = np.random.default_rng(0)
    kept = {
        int(without_some([Item(np.asarray([1, 7, 8, 2]), None, "")], 0.999, {1, 2}, rng)[0].ids[1])
        for _ in range(50)
    }
    assert kept == {7, 8}


def test_what_is_to_be_written(backbone):
    items = backbone.prepare([(text,) for text in TEXTS])
    targets = whole_texts(items, backbone.vocabulary().special)
    assert targets.ids.shape == (4, 10)
    assert (targets.ids[1] == IGNORED).all()
    assert targets.ids[2].tolist() == [*items[2].ids.tolist(), *[IGNORED] * 7]
    made = head(backbone)
    # Every token after the first, the end included; an empty text has none.
    assert made.count(targets) == 5 + 0 + 2 + 9


def test_the_loss_is_of_each_row_alone_and_padding_counts_nothing(backbone):
    made = head(backbone)
    items = backbone.prepare([(text,) for text in TEXTS])
    changed, targets = made.corrupt(items, np.random.default_rng(3))
    output = made(features(backbone, changed), targets)
    assert output.shape == (4, 9, 64)
    whole = made.loss(output, targets)
    assert whole.count == made.count(targets) == 16
    parts = []
    for number in range(4):
        one = whole_texts([items[number]], made.special)
        parts.append(made.loss(made(features(backbone, [changed[number]]), one), one))
    torch.testing.assert_close(whole.sum, sum(part.sum for part in parts), atol=1e-4, rtol=1e-5)
    assert [part.count for part in parts] == [5, 0, 2, 9]
    assert parts[1].sum == 0


def test_vectors_without_targets(backbone):
    made = head(backbone, dim=6)
    rows = [{"text": text} for text in TEXTS]
    output = made(features(backbone, backbone.prepare([(text,) for text in TEXTS])), None)
    assert output.shape == (4, 1, 6)
    predictions = made.decode(output)
    (measure,) = made.metrics(predictions, rows)
    assert (measure.name, measure.records.shape, measure.higher_is_better) == ("anisotropy", (3, 6), False)
    units = np.stack([each[0] for at, each in enumerate(predictions) if at != 1])
    cosines = [units[i] @ units[j] for i in range(3) for j in range(3) if i != j]
    assert measure.compute(measure.records) == pytest.approx(np.mean(cosines), abs=1e-6)
    assert made.metrics(predictions[1:2], rows[1:2]) == ()
    assert made.count(made.targets(rows)) == 0


def test_the_table_is_the_backbones_where_sizes_agree(backbone):
    table = backbone.vocabulary().table
    tied, free = head(backbone), head(backbone, dim=6)
    assert tied.decoder.table is table
    assert free.decoder.table.shape == (64, 6)
    assert {name for name, _ in free.named_parameters()} - {name for name, _ in tied.named_parameters()} == {
        "projection.weight",
        "projection.bias",
    }


def test_a_token_does_not_see_what_follows(backbone):
    decoder = SentenceDecoder(8, backbone.vocabulary(), 2).eval()
    vectors, ids = torch.randn(1, 8), torch.tensor([[4, 5, 6, 7]])
    one, other = decoder(vectors, ids), decoder(vectors, torch.tensor([[4, 5, 9, IGNORED]]))
    torch.testing.assert_close(one[:, :2], other[:, :2])
    assert (one[:, 2] - other[:, 2]).abs().max() > 1e-4
    assert (decoder(-vectors, ids) - one).abs().max() > 1e-4


def test_positions_are_those_of_the_paper():
    found = waves(50, torch.zeros(1, 6))
    wanted = torch.tensor([np.sin(7), np.cos(7), np.sin(7 / 1e4 ** (2 / 6)), np.cos(7 / 1e4 ** (2 / 6))])
    torch.testing.assert_close(found[7, :4], wanted.float(), atol=1e-5, rtol=1e-5)


def test_texts_are_learned_by_heart_from_their_vectors(backbone):
    made = head(backbone, normalize=False).train()
    items = backbone.prepare([(f"w{n} w{n + 1} w{n * 2}",) for n in range(6)])
    steps = torch.optim.Adam(dict.fromkeys([*backbone.parameters(), *made.parameters()]), lr=0.01)
    losses = []
    for number in range(60):
        changed, targets = made.corrupt(items, np.random.default_rng(number))
        term = made.loss(made(features(backbone, changed), targets), targets)
        steps.zero_grad()
        (term.sum / term.count).backward()
        steps.step()
        losses.append(float(term.sum.detach() / term.count))
    assert losses[-1] < 0.4 * losses[0]


def test_backbones_that_read_no_text_are_refused():
    with pytest.raises(RecipeError) as caught:
        build(SentenceEmbedding(objective="denoising"), HeadContext("t", 8, ()))
    assert str(caught.value) == (
        "tasks.t.head.objective  denoising needs a backbone that reads text and says what its vocabulary is  "
        "take another objective"
    )


def test_its_metric_is_of_the_vectors_that_it_predicts():
    """Not of what it writes in training: the engine asks for vectors where metrics are taken."""
    report = check_plugin("head/sentence-embedding", seed=10, only=["G8"])
    assert report.failed == ()
    assert DenoisingHead.measured_whole
