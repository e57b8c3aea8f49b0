import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, log_loss, roc_auc_score
from text_head_cases import rows_of, sequence

from mtlkit.contracts.scored import ScoredLabel

LABELS = st.lists(st.sampled_from(["a", "b", "c", None, ""]), min_size=1, max_size=6)


@settings(max_examples=25, deadline=None)
@given(labels=LABELS, seed=st.integers(0, 99))
def test_the_loss_is_scikit_learns_log_loss_of_the_labelled_rows(labels, seed):
    head, rows = sequence(class_weights={"a": 2.0}), rows_of(labels)
    scores = torch.randn(len(rows), 3, generator=torch.Generator().manual_seed(seed), requires_grad=True)
    term = head.loss(scores, head.targets(rows))
    term.sum.backward()
    known = [at for at, label in enumerate(labels) if label]
    missing = [at for at in range(len(rows)) if at not in known]
    assert not scores.grad[missing].any()
    if not known:
        assert (term.sum.item(), term.count) == (0.0, 0.0)
        return
    weights = [2.0 if labels[at] == "a" else 1.0 for at in known]
    likely = scores.detach().double().softmax(-1).numpy()[known]
    wanted = log_loss([labels[at] for at in known], likely, sample_weight=weights, labels=["a", "b", "c"])
    assert np.isclose(term.sum.item() / term.count, wanted, rtol=1e-4)


def test_labels_to_ignore_count_as_missing():
    head = sequence(ignore=("c",))
    assert head.classes.labels.names == ("a", "b")
    rows = rows_of(["a", "c", "b", None])
    assert head.targets(rows).tolist() == [0, -100, 1, -100]
    [accuracy, _] = head.metrics(["a", "a", "a", "a"], rows)
    assert (len(accuracy.records), accuracy.compute(accuracy.records)) == (2, 0.5)


def test_predictions_say_how_likely_each_label_is():
    [found] = sequence().decode(torch.tensor([[0.0, 2.0, 1.0]]))
    assert isinstance(found, ScoredLabel)
    assert (found, sum(found.scores.values())) == ("b", pytest.approx(1))
    assert sorted(found.scores, key=found.scores.get) == ["a", "c", "b"]


def test_the_metrics_are_those_of_the_recipe():
    head = sequence(metrics=("auroc", "weighted-f1"))
    rows = rows_of(["a", "b", "c", "a", "b", None])
    scores = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    predictions = head.decode(scores)
    auroc, weighted = head.metrics(predictions, rows)
    gold, likely = [row["label"] for row in rows[:5]], scores[:5].softmax(-1).numpy()
    assert np.isclose(auroc.compute(auroc.records), roc_auc_score(gold, likely, multi_class="ovr"), rtol=1e-5)
    assert np.isclose(weighted.compute(weighted.records), f1_score(gold, predictions[:5], average="weighted"))
