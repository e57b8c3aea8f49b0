import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.data.jsonl import JsonlSource
from mtlkit.builtin.data.options import JsonlOptions
from mtlkit.contracts.place import Place
from mtlkit.errors import DataError

scalar = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
value = scalar | st.lists(scalar, max_size=3)


def written(folder, content, **options):
    path = folder / "t.jsonl"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return JsonlSource(JsonlOptions(Place(str(path)), **options))


def all_rows(of):
    return of.rows(range(len(of)))


@given(st.lists(st.dictionaries(st.sampled_from("abc"), value), min_size=1, max_size=6), st.booleans())
def test_what_was_written_is_read_and_missing_keys_are_none(tmp_path_factory, objects, ascii):
    text = "".join(json.dumps(one, ensure_ascii=ascii) + "\r\n" for one in objects)
    read = written(tmp_path_factory.mktemp("jsonl"), text.encode("utf-8", "surrogatepass"))
    names = list(dict.fromkeys(key for one in objects for key in one))
    assert read.columns() == tuple(names)
    assert all_rows(read) == [{name: one.get(name) for name in names} for one in objects]


def test_lists_are_the_takers_own(tmp_path):
    read = written(tmp_path, '{"a": [1, [2]], "b": {"c": [3]}}\n')
    (taken,) = read.rows([0])
    taken["a"][1].append(9)
    taken["b"]["c"].append(9)
    assert read.rows([0]) == [{"a": [1, [2]], "b": {"c": [3]}}]


@pytest.mark.parametrize(
    ("second", "message", "column"),
    [
        ('{"a": 1', "is not JSON: Expecting ',' delimiter", 8),
        ("[1]", "is not a JSON object", 0),
        ('{"a": 1, "a": 2}', "is not usable JSON: the key 'a' is there twice", 0),
        (
            '{"a": "\\ud800"}',
            "is not usable JSON: it holds half of a surrogate pair, which is no character",
            0,
        ),
        (f'{{"a": {"[" * 64}{"]" * 64}}}', "is not usable JSON: it is nested deeper than 64 levels", 0),
        ("[" * 100_000, "is not usable JSON: it is nested deeper than 64 levels", 0),
        (
            "{" + "".join(f'"{n}": 1, ' for n in range(50_000)) + '"49999": 2}',
            "is not usable JSON: the key '49999' is there twice",
            0,
        ),
        ('{"a": NaN}', "is not usable JSON: NaN is not a finite number", 0),
        ('{"a": -Infinity}', "is not usable JSON: -Infinity is not a finite number", 0),
        ('{"a": 1e999}', "is not usable JSON: 1e999 is not a finite number", 0),
        ("  ", "is blank", 0),
        ('{"a": "\0"}', "holds a NUL character", 0),
    ],
)
def test_a_broken_line_is_refused_by_line(tmp_path, second, message, column):
    read = written(tmp_path, f'{{"a": 1}}\n{second}\n{{"a": 1}}\n')
    with pytest.raises(DataError) as caught:
        len(read)
    (problem,) = caught.value.problems
    assert problem.message == message
    assert (problem.file, problem.line) == (str(tmp_path / "t.jsonl"), 2)
    assert problem.column == column


def test_a_key_that_comes_up_late_is_not_dropped_in_silence(tmp_path):
    text = '{"a": 1}\n' * 1000 + '{"a": 1, "b": 2}\n'
    read = written(tmp_path, text)
    assert read.columns() == ("a",)
    with pytest.raises(DataError) as caught:
        len(read)
    assert str(caught.value) == (
        f"{tmp_path / 't.jsonl'}:1001  has the key 'b', which none of the first 1,000 lines has"
        "  list the keys to read in names"
    )
    named = written(tmp_path, text, names=("b",))
    assert named.rows([0, 1000]) == [{"b": None}, {"b": 2}]


def test_blank_lines_at_the_end_are_no_data(tmp_path):
    assert all_rows(written(tmp_path, '\ufeff{"a": 1}\n\n \n')) == [{"a": 1}]


def test_a_table_of_files_adds_the_column_split(tmp_path):
    (tmp_path / "one").write_text('{"a": 1}\n')
    (tmp_path / "two").write_text('{"b": 2}\n')
    read = JsonlSource(JsonlOptions({name: Place(name, str(tmp_path)) for name in ("one", "two")}))
    assert all_rows(read) == [{"a": 1, "b": None, "split": "one"}, {"a": None, "b": 2, "split": "two"}]
    assert read.columns() == ("a", "b", "split")
