from mtlkit.builtin.metrics.attachment import labelled_attachment, unlabelled_attachment

PREDICTED = [[(2, "det"), (0, "root")], [(1, "obj")]]
GOLD = [[(2, "amod"), (0, "root")], [None]]


def test_a_right_head_counts_once_and_with_its_relation_twice():
    unlabelled, labelled = unlabelled_attachment(PREDICTED, GOLD), labelled_attachment(PREDICTED, GOLD)
    assert unlabelled.records.tolist() == [[2, 2], [0, 0]]
    assert labelled.records.tolist() == [[1, 2], [0, 0]]
    assert unlabelled.compute(unlabelled.records) == 1.0
    assert labelled.compute(labelled.records) == 0.5
    assert labelled.compute(labelled.records[1:]) == 0.0
