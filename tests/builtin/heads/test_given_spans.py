"""span-classification and span-pair."""

import pytest
import torch
from token_cases import asked, examples, features, head

from mtlkit.builtin.heads.span_options import SpanClassification, SpanPair
from mtlkit.builtin.heads.token_options import TokenClassification
from mtlkit.errors import DataError, RecipeError

ABC = ("a", "b", "c")
WORDS = ["u", "v", "w", "x"]
SPANS = [
    {"tokens": WORDS, "spans": [[0, 2], [3, 4], [1, 2]], "labels": ["a", None, "c"]},
    {"tokens": WORDS, "spans": [1, 3], "labels": "b"},
    {"tokens": WORDS, "spans": None, "labels": None},
]
PAIRS = [
    {"tokens": WORDS, "first": [[0, 2], [3, 4]], "second": [[3, 4], [0, 1]], "labels": ["a", "c"]},
    {"tokens": WORDS, "first": [0, 1], "second": [1, 2], "labels": "b"},
]


def spans(**options):
    return head("span-classification", ABC, **options)


def pairs(**options):
    return head("span-pair", ABC, **options)


def test_one_span_and_one_label_need_no_list():
    assert spans().inputs(SPANS).tolist() == [
        [[0, 2], [3, 4], [1, 2]],
        [[1, 3], [-1, -1], [-1, -1]],
        [[-1, -1]] * 3,
    ]
    assert spans().targets(SPANS).tolist() == [[0, -100, 2], [1, -100, -100], [-100] * 3]
    assert pairs().inputs(PAIRS).tolist() == [
        [[[0, 2], [3, 4]], [[3, 4], [0, 1]]],
        [[[0, 1], [1, 2]], [[-1, -1], [-1, -1]]],
    ]


@pytest.mark.parametrize(("make", "rows"), [(spans, SPANS), (pairs, PAIRS)], ids=["spans", "pairs"])
def test_the_loss_is_torchs_over_labelled_places(make, rows):
    module = make(class_weights={"a": 3.0}, label_smoothing=0.1)
    output, targets = asked(module, rows)
    term = module.loss(output, targets)
    kept = targets != -100
    wanted = torch.nn.functional.cross_entropy(
        output[kept], targets[kept], weight=torch.tensor([3.0, 1.0, 1.0]), label_smoothing=0.1
    )
    torch.testing.assert_close(term.sum / term.count, wanted)
    assert term.count == 5.0


def test_the_order_of_a_pair_matters():
    module = pairs()
    turned = [{**row, "first": row["second"], "second": row["first"]} for row in PAIRS]
    assert not torch.allclose(asked(module, PAIRS)[0], asked(module, turned)[0])


def test_spans_that_were_cut_off_are_missed():
    module, rows = spans(), SPANS[:1]
    inputs, targets = module.inputs(rows), module.targets(rows)
    view = features(module, rows)[0]
    cut = type(view)(view.tokens[:, :2], view.mask[:, :2], view.words[:, :2])  # one word is left
    output = module([cut], inputs)
    assert torch.isneginf(output[0, 1:]).all()
    assert torch.isfinite(output[0, 0]).all()
    term = module.loss(output, targets)
    torch.testing.assert_close(term.sum, torch.nn.functional.cross_entropy(output[:, 0], targets[:, 0]))
    assert term.count == 2
    [labels] = predictions = module.decode(output)
    assert len(labels) == 1
    assert module.present(predictions, rows) == [[labels[0], None, None]]
    measure, _ = module.metrics([["a"]], rows)
    assert measure.compute(measure.records) == pytest.approx(2 * 1 / (1 + 2))
    turned = module([cut], inputs.flip(1))
    assert module.decode(turned) == [[None, None, labels[0]]]


def test_gold_labels_are_decoded_to_themselves():
    for name in ("span-classification", "span-pair"):
        module, rows = head(name, ABC), examples(name)
        targets = module.targets(rows)
        scores = 20 * torch.nn.functional.one_hot(targets.clamp(min=0), 3).float()
        scores[targets == -100] = -torch.inf
        assert module.decode(scores) == [row["labels"] for row in rows]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"spans": [[0, 5]]},
            "the span [0, 5] is not one of the 4 words ['u', 'v', 'w', 'x']  "
            "'spans' is a list of [begin, end], word numbers from 0, the end exclusive",
        ),
        (
            {"spans": [[2, 2]]},
            "the span [2, 2] is not one of the 4 words ['u', 'v', 'w', 'x']  "
            "'spans' is a list of [begin, end], word numbers from 0, the end exclusive",
        ),
        (
            {"spans": ["0-2"]},
            "the column 'spans' holds ['0-2'], which is no list of spans  "
            "a list of [begin, end], word numbers from 0, the end exclusive",
        ),
        (
            {"tokens": "u v", "spans": [[0, 1]]},
            "the column 'tokens' holds text, not lists  give the words of each row as a list",
        ),
    ],
)
def test_spans_that_are_wrong(row, message):
    with pytest.raises(DataError) as caught:
        spans().inputs([{"tokens": WORDS, "labels": ["a"], **row}])
    assert str(caught.value) == message


def test_labels_that_are_wrong():
    with pytest.raises(DataError) as caught:
        spans().targets([{"tokens": WORDS, "spans": [[0, 1], [1, 2]], "labels": ["a"]}])
    assert str(caught.value) == "a row has 2 spans but 1 labels: ['a']  'labels' must be as long as 'spans'"
    with pytest.raises(RecipeError) as caught:
        spans().targets([{"tokens": WORDS, "spans": [[0, 1]], "labels": ["A"]}])
    assert str(caught.value) == (
        "tasks.t.head.labels  the label 'A' of the row 'u v w x' is not among the labels  "
        "the labels are: a, b, c"
    )
    with pytest.raises(DataError) as caught:
        pairs().inputs([{"tokens": WORDS, "first": [[0, 1]], "second": [], "labels": ["a"]}])
    assert (
        str(caught.value) == "a row has 1 first spans but 0 second ones  'first' must be as long as 'second'"
    )


@pytest.mark.parametrize("options", [SpanClassification, SpanPair, TokenClassification])
def test_a_label_is_not_listed_and_ignored_too(options):
    with pytest.raises(
        ValueError, match="^the label 'b' is in `labels` and in `ignore`; keep it in one of them$"
    ):
        options(labels=("a", "b"), ignore=("b",))
