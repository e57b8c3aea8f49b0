import numpy as np
import pytest
import torch
from head_cases import embedding, features_of, ranking

from mtlkit.errors import DataError

SIZE = 6


def vectors(rows=5):
    return torch.randn(rows, 2, SIZE, generator=torch.Generator().manual_seed(1)).requires_grad_()


def rows_of(scores, repeat=()):
    return [
        {"text": f"q{n}", "text_pair": f"a{0 if n in repeat else n}", "score": s}
        for n, s in enumerate(scores)
    ]


def test_an_answer_of_the_same_text_is_no_negative():
    head = embedding(objective=ranking(scale=5.0))
    output = vectors().detach()
    output[2, 1] = output[0, 1]
    term = head.loss(output, head.targets(rows_of([0] * 5, repeat=(2,))))
    cosines = 5 * torch.nn.functional.cosine_similarity(output[:, None, 0], output[None, :, 1], dim=-1)
    others = [[n for n in range(5) if n == row or {n, row} != {0, 2}] for row in range(5)]
    wanted = sum(cosines[row, chosen].logsumexp(0) - cosines[row, row] for row, chosen in enumerate(others))
    torch.testing.assert_close(term.sum, wanted)


def test_rows_without_both_texts_are_dropped():
    head = embedding()
    output = vectors()
    rows = rows_of([0] * 5)
    rows[1] = {"text": "q", "text_pair": None}
    rows[3] = {"text": "", "text_pair": "a"}
    term = head.loss(output, head.targets(rows))
    kept = [0, 2, 4]
    wanted = head.loss(output[kept], head.targets([rows[place] for place in kept]))
    torch.testing.assert_close(term.sum, wanted.sum)
    assert term.count == wanted.count == head.count(head.targets(rows)) == 3


def test_weights_views_and_vectors():
    head = embedding(first="title", second="body")
    assert list(head.parameters()) == []
    assert head.views == (("title",), ("body",))
    rows = [{"text": "x"}, {"text": "yy"}]
    output = head(features_of(head, rows))
    assert output.shape == (2, 2, SIZE)
    torch.testing.assert_close(output.norm(dim=-1), torch.ones(2, 2))
    pairs = head.decode(output)
    assert [pair.shape for pair in pairs] == [(2, SIZE)] * 2
    assert np.allclose(pairs[1], output[1].numpy())
    raw = embedding(normalize=False)
    assert torch.equal(raw(features_of(raw, rows))[:, 0], features_of(raw, rows)[0].pooled)
    assert embedding(dim=3)(features_of(head, rows)).shape == (2, 2, 3)


def test_ranking_measures_retrieval_among_all_answers():
    head = embedding()
    rows = [{"text": f"q{n}", "text_pair": f"a{n}"} for n in range(3)]
    eye = np.eye(3)
    pairs = [np.stack([eye[0], eye[0]]), np.stack([eye[0] + eye[1], eye[1]]), np.stack([eye[2], -eye[2]])]
    accuracy, mrr, accuracy_at_10, ndcg = head.metrics(pairs, rows)
    assert (accuracy.name, accuracy.records[:, 0].tolist()) == ("accuracy@1", [1, 2, 3])
    assert (mrr.name, mrr.compute(mrr.records)) == ("mrr", pytest.approx((1 + 1 / 2 + 1 / 3) / 3))
    assert (accuracy_at_10.name, accuracy_at_10.compute(accuracy_at_10.records)) == ("accuracy@10", 1)
    assert (ndcg.name, ndcg.compute(ndcg.records)) == (
        "ndcg@10",
        pytest.approx((1 + 1 / np.log2(3) + 1 / 2) / 3),
    )


def test_other_objectives_measure_correlation():
    head = embedding(objective="cosent")
    pairs = [np.asarray([[1, 0], [x, 1]]) for x in (-3, 0, 1, 5)]
    spearman, pearson = head.metrics(pairs, rows_of([0, 0.4, 0.6, None]))
    assert spearman.compute(spearman.records) == pytest.approx(1)
    assert len(pearson.records) == 3


def test_scores_must_be_numbers():
    with pytest.raises(DataError) as caught:
        embedding(objective="cosent").targets(rows_of(["high"]))
    assert str(caught.value) == "task 't': the score 'high' is not a number  scores are numbers such as 0.5"
