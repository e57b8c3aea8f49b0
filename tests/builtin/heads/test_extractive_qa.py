import math

import attrs
import pytest
import torch
from token_cases import asked, examples, features, head

from mtlkit.errors import DataError, PluginError

TEXT = "New York is very long"
ROW = {"question": "where is it?", "context": TEXT, "answers": ["York is", "long"], "starts": [4, 17]}
NONE = {"question": "what?", "context": TEXT, "answers": [], "starts": []}
UNKNOWN = {"question": "what?", "context": TEXT, "answers": None, "starts": None}
SPANS = [(0, 3), (4, 8), (9, 11), (12, 16), (17, 21)]


def qa(**options):
    return head("extractive-qa", **options)


def scores(starts, ends, none=(0.0, 0.0), spans=SPANS):
    """Scores of one row as the head gives them, special tokens left out."""
    table = torch.full((1, len(spans) + 1, 4), -1.0)
    table[0, 0, :2] = torch.tensor(none)
    table[0, 1:, 0], table[0, 1:, 1] = torch.tensor(starts), torch.tensor(ends)
    table[0, 1:, 2:] = torch.tensor(spans, dtype=torch.float32).reshape(-1, 2)
    return table


def test_the_loss_is_the_mean_of_both_cross_entropies():
    module = qa()
    output, targets = asked(module, [ROW, NONE, UNKNOWN])
    view = features(module, [ROW])[0]
    tokens = [place for place in range(view.texts.shape[1]) if view.texts[0, place] == 1]
    wanted = torch.zeros(())
    for row, first, last in ((0, 1 + tokens[1], 1 + tokens[2]), (1, 0, 0)):
        for side, place in enumerate((first, last)):
            wanted = wanted - output[row, :, side].log_softmax(-1)[place] / 2
    term = module.loss(output, targets)
    torch.testing.assert_close(term.sum, wanted)
    assert term.count == 2


def test_only_tokens_of_the_text_and_no_answer_are_scored():
    output, _ = asked(qa(), [ROW])
    view = features(qa(), [ROW])[0]
    inside = view.texts[0] == 1
    assert torch.isfinite(output[0, 1:, 0]).tolist() == inside.tolist()
    assert [tuple(each) for each in output[0, 1:, 2:][inside].tolist()] == SPANS
    assert torch.isfinite(output[0, 0, :2]).all()
    assert torch.isneginf(asked(qa(unanswerable=False), [ROW])[0][0, 0, :2]).all()


def test_tokens_of_several_windows_are_right_wherever_they_are():
    module = qa()
    twice = [*SPANS[:3], *SPANS[1:]]  # two windows that overlap by two tokens
    starts, ends = torch.arange(7.0), torch.arange(7.0).flip(0)
    output = scores(starts.tolist(), ends.tolist(), (0.5, 0.5), twice)
    term = module.loss(output, module.targets([ROW]))
    chance = [output[0, :, side].softmax(-1) for side in (0, 1)]
    wanted = -(chance[0][[2, 4]].sum().log() + chance[1][[3, 5]].sum().log()) / 2
    torch.testing.assert_close(term.sum, wanted)


def test_answers_that_were_cut_off_count_and_add_nothing():
    module = qa()
    output = scores([0.0] * 2, [0.0] * 2, spans=SPANS[:2])
    term = module.loss(output.requires_grad_(), module.targets([ROW]))
    assert (float(term.sum.detach()), term.count) == (0.0, 1.0)
    term.sum.backward()
    assert not output.grad.any()


def test_the_best_answer_is_decoded_with_its_probability():
    module = qa(null_threshold=1.0)
    starts, ends = [1.0, 3.0, 0.0, 0.0, 4.0], [5.0, 0.0, 2.0, 1.0, -9.0]
    output = scores(starts, ends, (2.0, 3.9))
    [found] = module.decode(output)
    norm = sum(torch.logsumexp(output[0, :, side], 0) for side in (0, 1))
    assert found == {"begin": 0, "end": 3, "score": pytest.approx(math.exp(6 - norm))}
    [found] = module.decode(scores(starts, ends, (3.0, 4.1)))
    assert (found["begin"], found["end"]) == (None, None), "no answer scores more by over 1"
    assert qa(unanswerable=False).decode(scores(starts, ends, (-math.inf, -math.inf)))[0]["begin"] == 0


def test_answers_are_at_most_that_long_in_tokens_of_the_text():
    starts, ends = [5.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 5.0]
    assert qa().decode(scores(starts, ends))[0]["end"] == 21
    [found] = qa(max_answer=4).decode(scores(starts, ends))
    assert (found["begin"], found["end"]) in [
        (0, 3),
        (0, 8),
        (0, 11),
        (0, 16),
        (17, 21),
        (12, 21),
        (9, 21),
        (4, 21),
    ]


def test_a_text_without_tokens_has_no_answer():
    [found] = qa().decode(scores([], [], spans=[]))
    assert found == {"begin": None, "end": None, "score": 1.0}


def test_predictions_are_presented_with_their_words():
    module = qa()
    predictions = [{"begin": 4, "end": 11, "score": 0.5}, {"begin": None, "end": None, "score": 0.9}]
    assert module.present(predictions, [ROW, NONE]) == [
        {"answer": "York is", "begin": 4, "end": 11, "score": 0.5},
        {"answer": "", "begin": None, "end": None, "score": 0.9},
    ]
    f1, match = module.metrics([*predictions, predictions[0]], [ROW, NONE, UNKNOWN])
    assert (f1.name, f1.records.tolist()) == ("answer-f1", [[1.0], [1.0]])
    assert (match.name, match.records.tolist()) == ("exact-match", [[1.0], [1.0]])
    f1, match = module.metrics(predictions[:1], [NONE])
    assert (f1.records.tolist(), match.records.tolist()) == ([[0.0]], [[0.0]])


def test_gold_answers_are_decoded_to_themselves():
    module = qa()
    rows = [*examples("extractive-qa", 12), NONE]
    output, targets = asked(module, rows)
    from mtlkit.builtin.heads.extractive_qa import _wanted

    wanted = _wanted(output[..., 2:], targets.spans.float())
    made = torch.cat(
        [
            torch.where(wanted, 9.0, 0.0).masked_fill(torch.isneginf(output[..., :2]), -torch.inf),
            output[..., 2:],
        ],
        -1,
    )
    found = module.present(module.decode(made), rows)
    assert [each["answer"] for each in found] == [(row["answers"] or [""])[0] for row in rows]


def test_answers_may_stand_in_one_column_as_in_squad():
    module = qa(starts="")
    row = {**ROW, "answers": {"text": ROW["answers"], "answer_start": ROW["starts"]}}
    assert module.targets([row]).spans.tolist() == [[4, 11]]
    assert module.targets([{**NONE, "answers": {"text": [], "answer_start": []}}]).known.tolist() == [True]
    assert module.options.columns() == {"question": "question", "context": "context", "answers": "answers"}


def test_where_an_answer_begins_is_needed_for_learning_alone():
    module, row = qa(), {**ROW, "starts": None}
    assert module.targets([row]).known.tolist() == [False]
    f1, _ = module.metrics([{"begin": 17, "end": 21, "score": 1.0}], [row])
    assert f1.records.tolist() == [[1.0]]


def test_spaces_around_an_answer_are_none_of_it():
    assert qa().targets([{**ROW, "answers": [" York "], "starts": [3]}]).spans.tolist() == [[4, 8]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"starts": [5, 17]},
            "the right answer 'York is' should be at character 5  'ork is ' is there; characters are counted from 0",
        ),
        (
            {"starts": [4]},
            "the right answers of a row are ['York is', 'long'] at [4]  'answers' should be a list of texts, and as many "
            "numbers say where",
        ),
        (
            {"answers": "York", "starts": [4]},
            "the right answers of a row are 'York' at [4]  'answers' should be a list of texts, and as many numbers say "
            "where",
        ),
    ],
)
def test_answers_that_are_wrong(change, message):
    with pytest.raises(DataError) as caught:
        qa().targets([{**ROW, **change}])
    assert str(caught.value) == message


def test_an_answer_must_be_there_unless_there_may_be_none():
    with pytest.raises(DataError) as caught:
        qa(unanswerable=False).targets([NONE])
    assert (
        str(caught.value)
        == "the question 'what?' has no answer  say `unanswerable = true`, or leave out such rows"
    )


def test_a_backbone_that_does_not_say_where_tokens_are():
    module = qa()
    view = attrs.evolve(features(module, [ROW])[0], spans=None)
    with pytest.raises(PluginError) as caught:
        module([view])
    assert str(caught.value) == (
        "extractive-qa has to know where tokens are in the text, and the backbone does not say  "
        "use a backbone that has `locate`, such as transformer"
    )
