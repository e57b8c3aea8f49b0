from types import SimpleNamespace

from mtlkit.engine.labels import training_labels

ROWS = [
    {"label": "b", "tags": ["O", None, "B-x"], "labels": [["c", "a"], None, []]},
    {"label": "", "tags": None, "labels": [["b"], "d"]},
    {"label": 1},
]


def labels_of(column):
    rows = SimpleNamespace(each=lambda split: ROWS if split == "train" else [])
    return training_labels(SimpleNamespace(label=column), rows)


def test_labels_are_distinct_texts_of_cells_lists_and_lists_of_lists():
    assert labels_of("label") == ("1", "b")
    assert labels_of("tags") == ("B-x", "O")
    assert labels_of("labels") == ("a", "b", "c", "d")
    assert labels_of("none") == labels_of(None) == training_labels(SimpleNamespace(), None) == ()
