import pytest
import torch
from head_cases import WORD_ROWS, features_of, tokens

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
    torch.testing.assert_close(output[0, [0, 1, 3]], head.classifier(vectors))
    assert torch.isneginf(output[0, 2]).all(), "word 2 has no token"


def test_decoding_ends_at_the_last_word_seen():
    head = tokens()
    with torch.no_grad():
        head.classifier.weight.zero_()
        head.classifier.bias.copy_(torch.tensor([1.0, 0.0, 0.0]))
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
