"""Prepared rows: the same whether they are kept or made again."""

import pytest
from attrs import frozen

from mtlkit.contracts.rows import RowSpec
from mtlkit.engine import items
from mtlkit.engine.items import Items
from mtlkit.engine.rows import Rows


@frozen
class Listed:
    count: int

    def columns(self):
        return ("text",)

    def __len__(self):
        return self.count

    def rows(self, numbers):
        return [{"text": "x" * (number % 7)} for number in numbers]

    def fingerprint(self):
        return ""


@pytest.mark.parametrize("most", [0, 10_000])
def test_items_are_the_same_kept_or_made_again(monkeypatch, most):
    monkeypatch.setattr(items, "MOST_KEPT", most)
    asked = []

    def prepare(records):
        asked.append(len(records))
        return [row["text"] for row in records]

    rows = Rows.load(Listed(5000), RowSpec(), "d")
    made = Items(rows, "train", prepare)
    assert list(made.lengths) == [number % 7 for number in range(5000)]
    assert asked == [2048, 2048, 904]
    assert made.take([6, 0, 4999]) == ["x" * 6, "", "x" * (4999 % 7)]
    assert list(made) == ["x" * (number % 7) for number in range(5000)]
    assert (sum(asked) > 5000) == (most == 0)
    assert list(Items(rows, "test", prepare)) == []
