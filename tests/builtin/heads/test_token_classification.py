import pytest
import torch
from head_cases import WORD_ROWS, features_of, tokens
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.contracts.backbone import Features
from mtlkit.errors import DataError, RecipeError


def features(words):
    """Token t of a row is the vector (t, 0, 0, 0, 0, 0)."""
    numbers = torch.tensor(words)
    states = torch.zeros(*numbers.shape, 6)
    states[..., 0] = torch.arange(numbers.shape[1])
    return [Features(states, torch.ones_like(numbers, dtype=torch.bool), numbers)]


@pytest.mark.parametrize(
    ("subword", "places"), [("first", [1, 2, 5]), ("last", [1, 4, 5]), ("mean", [1, 3, 5])]
)
def test_a_word_is_its_first_last_or_mean_token(subword, places):
    head = tokens(subword=subword).eval()
    output = head(features([[-1, 0, 1, 1, 1, 3, -1]]))
    vectors = torch.zeros(3, 6)
    vectors[:, 0] = torch.tensor(places)
    torch.testing.assert_close(output[0, [0, 1, 3]], head.tower(vectors))
    assert torch.isneginf(output[0, 2]).all(), "word 2 has no token"


def test_decoding_ends_at_the_last_word_seen():
    head = tokens()
    with torch.no_grad():
        head.tower.output.weight.zero_()
        head.tower.output.bias.copy_(torch.tensor([1.0, 0.0, 0.0]))
    output = head.eval()(features([[-1, 0, 2, -1], [-1, 0, 0, -1], [-1, -1, -1, -1]]))
    assert head.decode(output) == [["B-X", "O", "B-X"], ["B-X"], []]
    assert head.decode(head(features([[-1, -1]]))) == [[]]


def test_the_loss_is_the_sum_over_tagged_words_that_were_seen():
    head = tokens().eval()
    targets = head.targets(WORD_ROWS)
    assert targets.tolist() == [
        [0, 1, 2, -100],
        [-100] * 4,
        [2, -100, -100, -100],
        [-100] * 4,
        [2, 0, 0, 2],
        [1, 0, -100, -100],
    ]
    output = head(features_of(head, WORD_ROWS))
    kept = targets != -100
    wanted = -output.log_softmax(-1)[kept].gather(1, targets[kept, None]).sum()
    term = head.loss(output, targets)
    torch.testing.assert_close(term.sum, wanted)
    assert term.count == head.count(targets) == 10
    cut = head.loss(output[:, :2], targets)
    torch.testing.assert_close(
        cut.sum, wanted + output.log_softmax(-1)[[0, 4, 4], [2, 2, 3], [2, 0, 2]].sum()
    )
    assert cut.count == 10


def test_words_cut_off_count_as_outside():
    head = tokens()
    rows = [{"tags": ["O", "B-X", "O", "B-X"]}, {"tags": [None, ""]}, {"tags": None}]
    entity, token = head.metrics([["O", "B-X"], ["O", "O"], []], rows)
    assert entity.name == "entity-f1"
    assert entity.records.tolist() == [[1, 1, 2]]
    assert token.records.tolist() == [[3, 4]]


def test_rows_that_are_wrong():
    head = tokens()
    with pytest.raises(RecipeError) as caught:
        head.targets([{"tokens": ["New", "York"], "tags": ["B-X", "I-Y"]}])
    assert str(caught.value) == (
        "tasks.t.head.labels  the label 'I-Y' of the row 'New York' is not among the labels  "
        "did you mean 'I-X'?"
    )
    with pytest.raises(DataError) as caught:
        head.targets([{"tokens": ["New", "York"], "tags": ["O"]}])
    assert str(caught.value) == (
        "a row has 2 words but 1 tags: 'New York'  'tags' must be as long as 'tokens'"
    )
    with pytest.raises(DataError) as caught:
        head.targets([{"tokens": "New York", "tags": ["O"]}])
    assert (
        str(caught.value) == "the column 'tokens' holds text, not lists  one word and one tag for each place"
    )


@pytest.mark.parametrize(
    ("labels", "scheme", "message"),
    [
        (
            ["O", "I-X"],
            "bio",
            "tasks.t.head.scheme  the tag 'I-X' could never be predicted, for bio has it beside 'B-X'  "
            "list 'B-X' in `labels`, or say scheme = \"none\"",
        ),
        (
            ["B-X", "E-X"],
            "bioes",
            "tasks.t.head.scheme  no tag may stand alone in bioes: a row of one word has none  "
            "list 'O' in `labels`",
        ),
    ],
)
def test_tags_that_a_scheme_has_no_place_for(labels, scheme, message):
    with pytest.raises(RecipeError) as caught:
        tokens(labels=tuple(labels), scheme=scheme)
    assert str(caught.value) == message


def test_a_scheme_predicts_the_best_sequence_that_it_allows():
    head = tokens(scheme="bio")
    scores = torch.tensor([[[0.0, 3.0, 2.0], [0.0, 9.0, 0.0], [0.0, 0.0, 1.0]]])
    assert head.decode(scores) == [["B-X", "I-X", "O"]]
    assert tokens().decode(scores) == [["I-X", "I-X", "O"]]
    assert head.decode(torch.cat([scores, torch.full((1, 1, 3), -torch.inf)], 1)) == [["B-X", "I-X", "O"]]
    assert head.decode(scores[:, :0]) == [[]]


PIECES = {
    "bio": (["O"], ["B-X"], ["B-X", "I-X"], ["B-Y", "I-Y", "I-Y"]),
    "bioes": (["O"], ["S-X"], ["B-X", "E-X"], ["B-Y", "I-Y", "E-Y"], ["S-Y"]),
}


@pytest.mark.parametrize("scheme", PIECES)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_gold_tags_are_decoded_to_themselves(scheme, data):
    pieces = data.draw(
        st.lists(st.lists(st.sampled_from(PIECES[scheme]), min_size=1), min_size=1, max_size=4)
    )
    rows = [[tag for piece in row for tag in piece] for row in pieces]
    names = tuple(sorted({tag for piece in PIECES[scheme] for tag in piece} | {"I-X"}))
    head = tokens(labels=names, scheme=scheme)
    targets = head.targets([{"tokens": row, "tags": row} for row in rows])
    scores = 20 * torch.nn.functional.one_hot(targets.clamp(min=0), len(names)).float()
    scores[targets == -100] = -torch.inf
    assert head.decode(scores) == rows


def test_class_weights_and_smoothing_are_those_of_torch():
    head = tokens(class_weights={"O": 0.25}, label_smoothing=0.2).eval()
    rows = WORD_ROWS[:1]
    output, targets = head(features_of(head, rows)), head.targets(rows)
    term = head.loss(output, targets)
    wanted = torch.nn.functional.cross_entropy(
        output[0], targets[0, :3], weight=torch.tensor([1.0, 1.0, 0.25]), label_smoothing=0.2
    )
    assert term.count == 2.25
    torch.testing.assert_close(term.sum / term.count, wanted)


def test_metrics_are_those_chosen():
    head = tokens(metrics=("token-accuracy", "entity-f1-strict"))
    found = head.metrics([["B-X", "I-X", "O"]], WORD_ROWS[:1])
    assert [measure.name for measure in found] == list(head.options.metrics())
    assert head.options.metrics() == ("token-accuracy", "entity-f1-strict")


def test_ignored_tags_are_missing():
    head = tokens(labels=("B-X", "I-X", "O"), ignore=("?",))
    targets = head.targets([{"tokens": ["u", "v"], "tags": ["?", "O"]}])
    assert targets.tolist() == [[-100, 2]]
    _, accuracy = head.metrics([["O", "O"]], [{"tags": ["?", "O"]}])
    assert accuracy.records.tolist() == [[1, 1]]
