from mtlkit.builtin.metrics.spans import span_f1, span_precision, span_recall


def test_members_are_right_as_a_whole():
    predicted = [{(0, 1, "x"), (3, 3, "y")}, []]
    gold = [[(0, 1, "x"), (3, 4, "y"), (0, 1, "x")], [(1, 1, "x")]]
    values = [each(predicted, gold) for each in (span_f1, span_precision, span_recall)]
    assert values[0].records.tolist() == [[1, 2, 2], [0, 0, 1]]
    assert [each.compute(each.records) for each in values] == [2 / 5, 1 / 2, 1 / 3]
    assert [each.compute(each.records[1:]) for each in values] == [0, 0, 0]
