import pytest
import torch
from token_cases import asked, examples, head

from mtlkit.errors import DataError, RecipeError

ABC = ("a", "b", "c")
ROWS = [{"tokens": ["u", "v", "w"], "labels": [["a", "c"], None, []]}, {"tokens": ["u"], "labels": ["b"]}]


def test_targets_are_lists_one_label_or_nothing():
    targets = head("multi-label-token", ABC).targets(ROWS)
    assert targets.tolist() == [
        [[1, 0, 1], [-1, -1, -1], [0, 0, 0]],
        [[0, 1, 0], [-1, -1, -1], [-1, -1, -1]],
    ]


def test_the_loss_is_torchs_over_known_words():
    module = head("multi-label-token", ABC)
    output, targets = asked(module, ROWS)
    term = module.loss(output, targets)
    kept = targets >= 0
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(
        output[kept], targets[kept], reduction="sum"
    )
    torch.testing.assert_close(term.sum, wanted)
    assert term.count == 9
    cut = module.loss(output[:, :1], targets)
    assert cut.sum < term.sum
    assert cut.count == 9, "words cut off count, and add no loss"


def test_gold_labels_are_decoded_to_themselves():
    module = head("multi-label-token", ABC)
    rows = examples("multi-label-token")
    targets = module.targets(rows)
    scores = torch.where(targets < 0, -torch.inf, 20 * targets - 10)
    assert module.decode(scores) == [row["labels"] for row in rows]
    assert module.decode(scores[:, :0]) == [[] for _ in rows]


def test_the_threshold_is_a_probability():
    scores = torch.tensor([[[0.0, 1.0, -1.0]]])
    assert head("multi-label-token", ABC).decode(scores) == [[["a", "b"]]]
    assert head("multi-label-token", ABC, threshold=0.6).decode(scores) == [[["b"]]]


def test_words_cut_off_have_no_labels():
    module = head("multi-label-token", ABC)
    micro, _ = module.metrics([[["a", "b"]], [["b"]]], ROWS)
    assert micro.records.tolist() == [[1, 0, 0, 1, 1, 0, 1, 0, 1], [0, 1, 0, 0, 1, 0, 0, 1, 0]]
    assert micro.compute(micro.records) == pytest.approx(2 * 2 / (3 + 3))


def test_rows_that_are_wrong():
    module = head("multi-label-token", ABC)
    with pytest.raises(RecipeError) as caught:
        module.targets([{"tokens": ["u", "v"], "labels": [["a"], ["bb"]]}])
    assert str(caught.value) == (
        "tasks.t.head.labels  the label 'bb' of the row 'u v' is not among the labels  did you mean 'b'?"
    )
    with pytest.raises(DataError) as caught:
        module.targets([{"tokens": ["u", "v"], "labels": [["a"]]}])
    assert str(caught.value) == "a row has 2 words but 1 labels: 'u v'  'labels' must be as long as 'tokens'"
