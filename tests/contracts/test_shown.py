"""Texts of others, as they are shown: any text, no steering."""

from hypothesis import given
from hypothesis import strategies as st

from mtlkit.cli.show import table
from mtlkit.contracts.shown import in_lines, one_line, printable

ANY = st.text(st.characters() | st.sampled_from("\n\r\x1b\x07\u202e\u2028\x85\ud800 a"), max_size=30)


def harmless(text):
    return all(each.isprintable() or each == "\n" for each in text)


@given(ANY)
def test_nothing_that_is_shown_steers(text):
    assert harmless(printable(text))
    assert printable(text).count("\n") == text.count("\n")
    assert one_line(text).isprintable()


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"]) | st.just(" ")))
def test_what_can_be_read_stays_as_it_is(text):
    assert printable(text) == one_line(text) == text


@given(st.lists(ANY, min_size=1, max_size=5))
def test_lines_are_as_many_as_they_were(lines):
    assert len(in_lines(lines).split("\n")) == len(lines)


@given(st.lists(st.tuples(ANY, ANY), max_size=5))
def test_a_table_has_a_line_for_each_row(rows):
    shown = table(("a", "b"), rows)
    assert harmless(shown)
    assert len(shown.split("\n")) == 1 + len(rows)


def test_how_it_is_spelt():
    assert printable("a\x1b[31m\u202e\n\ud800") == "a\\x1b[31m\\u202e\n\\ud800"
    assert one_line("a\r\nb\u2028c") == "a\\r\\nb\\u2028c"
