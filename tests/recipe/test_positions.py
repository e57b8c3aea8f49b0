"""Every key's place, found again in text that a TOML writer made."""

import tomllib
from pathlib import Path

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.recipe.document import Document, Layer, _origin, read
from mtlkit.recipe.positions import locate

KEYS = st.one_of(
    st.text("abcz_-09", min_size=1, max_size=4),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=4),
)
VALUES = st.recursive(
    st.one_of(st.integers(-99, 99), st.booleans(), st.text("aé😀 \"'\n[]#=", max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=10,
)


def walk(value, path=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key), inner
            yield from walk(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from walk(inner, (*path, number))


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.booleans())
def test_the_key_stands_where_it_is_said_to_stand(data, multiline):
    text = tomli_w.dumps(data, multiline_strings=multiline)
    lines = text.split("\n")
    for path, _ in walk(tomllib.loads(text)):
        place = locate(text, path)
        assert place is not None
        rest = lines[place[0] - 1][place[1] - 1 :]
        # cut a token out at every possible end: one of them must read as this very key
        tokens = [
            rest[:end] for end in range(1, len(rest) + 1) if rest[end : end + 1] in ("", " ", ".", "]", ",")
        ]
        if isinstance(path[-1], str):
            assert any(_key(token) == path[-1] for token in tokens)


def _key(token):
    try:
        (key, value), *_ = tomllib.loads(f"{token} = 0").items()
    except (tomllib.TOMLDecodeError, ValueError):
        return None
    return key if value == 0 else None


def test_columns_are_characters_and_values_have_their_own():
    text = '[t]\n"é😀".b = { x = 1, "ü" = [10, { z = 2 }] }\n'
    assert locate(text, ("t", "é😀", "b", "ü")) == (2, 19)
    assert locate(text, ("t", "é😀", "b", "ü"), "value") == (2, 25)
    assert locate(text, ("t", "é😀", "b", "ü", 1, "z"), "value") == (2, 36)
    assert locate(text, ("t", "é😀", "b", "ü", 0)) == (2, 26)
    assert locate(text, ("t", "nothing")) is None


def test_elements_of_arrays_of_tables_are_counted():
    text = "[[freeze]]\nuse = 1\n[freeze.sub]\na = 1\n[[freeze]]\nuse = 2\n[freeze.sub]\na = 2\n"
    assert locate(text, ("freeze", 1, "use")) == (6, 1)
    assert locate(text, ("freeze", 1, "sub", "a"), "value") == (8, 5)
    assert locate(text, ("freeze", 1)) == (5, 3)


def test_an_explicit_header_beats_a_mention():
    assert locate("[tasks.a]\nx = 1\n[tasks]\ny = 1\n", ("tasks",)) == (3, 2)


def test_a_missing_key_stands_at_its_nearest_parent(tmp_path: Path):
    file = tmp_path / "r.toml"
    file.write_text("name = 'a'\n\n[tasks.sentiment]\ndata = 'x'\n")
    document = read(file)
    assert document.position(("tasks", "sentiment", "head", "use")) == (str(file), 3, 8)
    assert document.position(("nothing", "at", "all")) == (str(file), 1, 1)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_a_document_knows_every_path(data):
    text = tomli_w.dumps(data)
    parsed = tomllib.loads(text)
    layer = Layer("r.toml", Path(), text, parsed)
    document = Document(parsed, Path("r.toml"), _origin(parsed, layer))
    for path, _ in walk(parsed):
        assert document.known(path) == path
        file, line, column = document.position(path)
        assert (file, line > 0, column > 0) == ("r.toml", True, True)
