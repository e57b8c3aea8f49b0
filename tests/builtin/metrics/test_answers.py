import pytest

from mtlkit.builtin.metrics.answers import answer_f1, exact_match, normalized


def test_case_marks_articles_and_spaces_do_not_count():
    assert normalized("The  cat's, a\tHat!") == "cats hat"
    assert normalized("theatre an") == "theatre"


@pytest.mark.parametrize(
    ("answer", "right", "same", "overlap"),
    [
        ("the Cat", ["cat"], 1, 1),
        ("cat", ["a dog", "Cat."], 1, 1),
        ("black cat", ["cat"], 0, 2 / 3),
        ("black cat", ["white cat", "black cat hat"], 0, 4 / 5),
        ("cat cat", ["cat"], 0, 2 / 3),
        ("", [], 1, 1),
        ("", ["the"], 1, 1),
        ("", ["cat"], 0, 0),
        ("cat", [], 0, 0),
        ("the", ["cat"], 0, 0),
    ],
)
def test_the_best_right_answer_counts(answer, right, same, overlap):
    assert exact_match([answer], [right]).records.tolist() == [[same]]
    assert answer_f1([answer], [right]).records.tolist() == [[overlap]]
