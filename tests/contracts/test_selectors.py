import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.selectors import parse
from mtlkit.testing.strategies import param_tables

DEPTH = 12
TABLE = ParamTable(
    (
        Row(
            "backbone.embeddings.word.weight",
            (9, 4),
            BACKBONE,
            "embeddings",
            0,
            "embedding",
            ("heads.tags.out.weight",),
        ),
        *(
            Row(f"backbone.encoder.layer.{number}.{path}", (4,), BACKBONE, "block", number + 1, kind)
            for number in range(DEPTH)
            for path, kind in (("dense.weight", "weight"), ("dense.bias", "bias"), ("norm.weight", "norm"))
        ),
        Row("backbone.pooler.weight", (4, 4), BACKBONE, "final", DEPTH + 1, "weight"),
        Row("heads.news.out.weight", (2, 4), "news", "head", DEPTH + 2, "weight"),
        Row("heads.tags.out.bias", (2,), "tags", "head", DEPTH + 2, "bias"),
    ),
    DEPTH,
)


def no_row(row):
    return False


def any_row(row):
    return True


def meant(text: str, table: ParamTable = TABLE) -> set[str]:
    selector = parse(text)
    return {row.name for row in table if selector.matches(row, table)}


def those(condition) -> set[str]:
    return {row.name for row in TABLE if condition(row)}


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("backbone", lambda row: row.owner == BACKBONE),
        ("embeddings", lambda row: row.depth == 0),
        ("blocks", lambda row: 1 <= row.depth <= DEPTH),
        ("final", lambda row: row.depth == DEPTH + 1),
        ("heads", lambda row: row.owner != BACKBONE),
        ("head.news", lambda row: row.owner == "news"),
        ("head.nobody", no_row),
        ("type:norm", lambda row: row.kind == "norm"),
        ("type:bias", lambda row: row.kind == "bias"),
        ("type:weight", lambda row: row.kind == "weight"),
        ("type:embedding", lambda row: row.kind == "embedding"),
        ("blocks[0:6]", lambda row: 1 <= row.depth <= 6),
        ("blocks[-2:]", lambda row: row.depth in (11, 12)),
        ("blocks[3]", lambda row: row.depth == 4),
        ("blocks[-1]", lambda row: row.depth == 12),
        ("blocks[12]", no_row),
        ("blocks[::2]", lambda row: row.role == "block" and row.depth % 2 == 1),
        ("backbone.encoder.layer.1.*", lambda row: row.depth == 2),
        ("backbone.encoder.layer.1?.*", lambda row: row.depth in (11, 12)),
        ("layer.1", no_row),
        ("heads.tags.*", lambda row: row.owner == "tags" or row.role == "embeddings"),
        ("!backbone", lambda row: row.owner != BACKBONE),
        ("!!backbone", lambda row: row.owner == BACKBONE),
        (
            "blocks & !type:norm | head.news",
            lambda row: (row.role == "block" and row.kind != "norm") or row.owner == "news",
        ),
        ("blocks&(type:norm|type:bias)", lambda row: row.role == "block" and row.kind in ("norm", "bias")),
        ("!(blocks | heads)", lambda row: row.role in ("embeddings", "final")),
        ("final | blocks & type:norm", lambda row: row.role == "final" or row.kind == "norm"),
        ("*", any_row),
    ],
)
def test_means(text, condition):
    assert meant(text) == those(condition)


@given(
    st.integers(0, 24), *[st.none() | st.integers(-30, 30)] * 2, st.none() | st.integers(-5, 5).filter(bool)
)
def test_slices_are_pythons(depth, start, stop, step):
    rows = tuple(Row(f"backbone.{n}.w", (), BACKBONE, "block", n + 1, "weight") for n in range(depth))
    marks = ["" if number is None else str(number) for number in (start, stop, step)]
    expected = {row.name for row in rows[slice(start, stop, step)]}
    assert meant(f"blocks[{':'.join(marks)}]", ParamTable(rows, depth)) == expected


@given(st.integers(0, 24), st.integers(-30, 30))
def test_an_index_is_pythons_or_nothing(depth, index):
    rows = tuple(Row(f"backbone.{n}.w", (), BACKBONE, "block", n + 1, "weight") for n in range(depth))
    expected = {rows[index].name} if -depth <= index < depth else set()
    assert meant(f"blocks[{index}]", ParamTable(rows, depth)) == expected


TERMS = st.sampled_from(
    ("backbone", "embeddings", "blocks", "blocks[1:4]", "final", "heads", "head.news", "type:norm", "*.1.*")
)
SELECTORS = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        inner.map(lambda text: f"!({text})"),
        st.tuples(inner, st.sampled_from("|&"), inner).map(lambda parts: "({}) {} ({})".format(*parts)),
    ),
    max_leaves=6,
)


@given(param_tables(max_depth=6), SELECTORS, SELECTORS)
@settings(max_examples=50)
def test_operators_are_those_of_sets(table, left, right):
    everything = set(table.names)
    assert meant(f"({left}) | ({right})", table) == meant(left, table) | meant(right, table)
    assert meant(f"({left}) & ({right})", table) == meant(left, table) & meant(right, table)
    assert meant(f"!({left})", table) == everything - meant(left, table)
    assert meant(f"{left} | {right} & {left}", table) >= meant(f"({left}) & ({right})", table)


@given(param_tables())
def test_roles_partition_the_table(table):
    parts = [meant(text, table) for text in ("embeddings", "blocks", "final", "heads")]
    assert sum(map(len, parts)) == len(table)
    assert set().union(*parts) == set(table.names)
    assert meant("backbone", table) == set(table.names) - parts[-1]
    kinds = [meant(f"type:{kind}", table) for kind in ("weight", "bias", "norm", "embedding")]
    assert sum(map(len, kinds)) == len(table)
    assert meant("heads", table) == set().union(*(meant(f"head.{task}", table) for task in table.tasks))


@given(param_tables())
def test_every_name_and_alias_is_a_selector_of_its_row(table):
    for row in table:
        for name in row.names:
            assert meant(name, table) == {row.name}


def test_tasks_are_those_named_once_in_order():
    assert parse("head.b | !(head.a & heads) | head.b | heads.c.*").tasks == ("b", "a")


SLICE = "is not a slice of blocks, expected such as blocks[3], blocks[0:6] or blocks[-2:]"
EXPECTED = "a selector such as backbone, blocks[0:6], head.NAME, type:norm or a weight name with *"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", 1, f"the selector ends here, expected {EXPECTED}"),
        ("  ", 3, f"the selector ends here, expected {EXPECTED}"),
        ("blocks |", 9, f"the selector ends here, expected {EXPECTED}"),
        ("blocks | & heads", 10, f"found '&', expected {EXPECTED}"),
        ("blocks heads", 8, "found 'heads', expected '|', '&' or the end"),
        ("blocks)", 7, "found ')', expected '|', '&' or the end"),
        ("!(blocks", 9, "the selector ends here, expected '|', '&' or the ')' for the '(' at position 2"),
        ("(blocks heads)", 9, "found 'heads', expected '|', '&' or the ')' for the '(' at position 1"),
        ("heads | embedings", 9, "unknown word 'embedings'; did you mean 'embeddings'?"),
        ("xyz", 1, f"unknown word 'xyz', expected {EXPECTED}"),
        (
            "blocks[",
            1,
            f"'blocks[' {SLICE}",
        ),
        (
            "blocks[]",
            1,
            f"'blocks[]' {SLICE}",
        ),
        (
            "blocks[a]",
            1,
            f"'blocks[a]' {SLICE}",
        ),
        (
            "blocks[1:2:3:4]",
            1,
            f"'blocks[1:2:3:4]' {SLICE}",
        ),
        ("blocks[::0]", 1, "'blocks[::0]' has step 0, expected another number"),
        (
            "head.",
            1,
            "found 'head.', expected the name of a task after 'head.'; for weight names write heads.TASK.*",
        ),
        (
            "head.*",
            1,
            "found 'head.*', expected the name of a task after 'head.'; for weight names write heads.TASK.*",
        ),
        (
            "type:norms",
            1,
            "found 'type:norms', expected type:weight or type:bias or type:norm or type:embedding",
        ),
        ("(" * 65 + "heads" + ")" * 65, 65, "expected at most 64 parentheses inside each other"),
    ],
)
def test_errors_say_where_and_what(text, place, message):
    with pytest.raises(ValueError, match=r".") as caught:
        parse(text)
    assert str(caught.value) == f"selector {text!r}, position {place}: {message}"


@given(st.text(alphabet="abcheds.*?![]:0-9()|& blocksnorm", max_size=30) | st.text(max_size=10))
def test_any_text_parses_or_is_refused_with_a_position(text):
    try:
        selector = parse(text)
    except ValueError as error:
        message = str(error)
    else:
        message = ", position 0: "
        assert {row.name for row in TABLE if selector.matches(row, TABLE)} <= set(TABLE.names)
    assert re.search(r", position \d+: ", message)


def test_long_chains_do_not_nest():
    assert meant("!" * 10_001 + "backbone") == meant("heads")
    assert meant(" | ".join(["final"] * 5000)) == meant("final")
