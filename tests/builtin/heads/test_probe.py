import re

import numpy as np
import pytest
import torch
from attrs import evolve
from head_cases import features_of
from sklearn.linear_model import LogisticRegression, Ridge
from text_head_cases import made, rows_of

from mtlkit.builtin.heads.probe import ProbeHead
from mtlkit.builtin.heads.probe_options import Probe

probe = made(ProbeHead, Probe)
LABELS = ["a", None, "c", "b", "", "a", "b", "c", "a", "b"]
NUMBERS = [0.5, None, 3, "1.5", "", 2, -1, 0, 4, 1]


def test_it_has_no_weights_and_sends_nothing_back():
    head, rows = probe(), rows_of(LABELS)
    assert list(head.parameters()) == []
    assert head.state_dict().keys() == {"weight", "bias"}
    features = [evolve(view, pooled=view.pooled.requires_grad_()) for view in features_of(head, rows)]
    term = head.loss(head(features), head.targets(rows))
    assert not term.sum.requires_grad
    assert (term.count, term.sum.item()) == (8, pytest.approx(8 * np.log(3)))


@pytest.mark.parametrize("standardize", [True, False])
def test_it_is_fitted_to_the_labelled_rows(standardize):
    head, rows = probe(standardize=standardize, strength=0.5), rows_of(LABELS)
    features = features_of(head, rows)
    head.fit(features, rows)
    known = [at for at, label in enumerate(LABELS) if label]
    vectors = features[0].pooled[known].double().numpy()
    scaled = (vectors - vectors.mean(0)) / vectors.std(0) if standardize else vectors
    oracle = LogisticRegression(C=2.0, max_iter=2000, tol=1e-6).fit(scaled, [LABELS[at] for at in known])
    likely = head(features)[known].softmax(-1).numpy()
    np.testing.assert_allclose(likely, oracle.predict_proba(scaled), atol=1e-5)
    assert [head.decode(head(features))[at] for at in known] == list(oracle.predict(scaled))


def test_numbers_by_ridge():
    head = probe(predicts="number", solver="ridge", standardize=False, layers=(0, -1), pooling="max")
    rows = rows_of(NUMBERS)
    features = features_of(head, rows)
    head.fit(features, rows)
    known = [at for at, number in enumerate(NUMBERS) if number not in (None, "")]
    vectors = head.reader(features[0])[known].double().numpy()
    oracle = Ridge(alpha=1.0).fit(vectors, [float(NUMBERS[at]) for at in known])
    found = [head.decode(head(features))[at] for at in known]
    np.testing.assert_allclose(found, oracle.predict(vectors), atol=1e-4)
    names = [each.name for each in head.metrics(head.decode(head(features)), rows)]
    assert names == ["pearson", "spearman", "mae", "rmse"]


def test_fitting_twice_gives_the_same():
    rows, both = rows_of(LABELS), []
    for _ in range(2):
        head = probe(solver="ridge")
        head.fit(features_of(head, rows), rows)
        head.fit(features_of(head, rows), rows)
        both.append(head)
    assert torch.equal(both[0].weight, both[1].weight)
    term = both[0].loss(both[0](features_of(both[0], rows)), both[0].targets(rows))
    assert 0 < term.sum.item() / term.count < 3  # of signs: always 0 would have 3, the number of classes


def test_rows_without_any_label_change_nothing():
    head, rows = probe(), rows_of([None, ""])
    head.fit(features_of(head, rows), rows)
    assert not head.weight.any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"predicts": "number"}, 'a number is predicted by solver = "ridge", and has no labels'),
        (
            {"predicts": "number", "solver": "ridge", "metrics": ("accuracy",)},
            "'accuracy' is no metric of a number: spearman, pearson, mae, rmse",
        ),
    ],
)
def test_options_that_are_wrong(options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Probe(**options)
