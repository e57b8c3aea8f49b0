import pytest

from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.selectors import parse

DEPTH = 3
TABLE = ParamTable(
    (
        Row("backbone.word.base_layer.weight", (9, 4), BACKBONE, "embeddings", 0, "embedding"),
        Row("backbone.word.lora_A.default", (2, 9), BACKBONE, "embeddings", 0, "weight", adapter=True),
        *(
            Row(f"backbone.layer.{n}.{path}", (4, 4), BACKBONE, "block", n + 1, "weight", adapter=adapter)
            for n in range(DEPTH)
            for path, adapter in (("query.base_layer.weight", False), ("query.lora_A.default.weight", True))
        ),
        Row("heads.adapter.weight", (2, 4), "adapter", "head", DEPTH + 2, "weight"),
    ),
    DEPTH,
)


@pytest.mark.parametrize(
    ("text", "condition", "count"),
    [
        ("adapter", lambda row: row.adapter, 4),
        ("!adapter", lambda row: not row.adapter, 5),
        ("backbone", lambda row: row.owner == BACKBONE, 8),
        ("backbone & !adapter", lambda row: row.owner == BACKBONE and not row.adapter, 4),
        ("blocks & adapter", lambda row: row.adapter and row.depth > 0, 3),
        ("blocks[-1:] & adapter", lambda row: row.adapter and row.depth == DEPTH, 1),
        ("blocks", lambda row: row.role == "block", 6),
        ("embeddings", lambda row: row.depth == 0, 2),
        ("head.adapter", lambda row: row.owner == "adapter", 1),
        ("adapter | heads", lambda row: row.adapter or row.owner == "adapter", 5),
    ],
)
def test_adapters_are_weights_of_the_part_they_are_in(text, condition, count):
    found = [row for row in TABLE if parse(text).matches(row, TABLE)]
    assert found == [row for row in TABLE if condition(row)]
    assert len(found) == count


def test_a_near_miss_is_told():
    with pytest.raises(ValueError, match="unknown word 'adapters'; did you mean 'adapter'?"):
        parse("backbone & !adapters")
