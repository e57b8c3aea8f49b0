"""The reference page about the kit says what the kit says of itself."""

import re

import pytest

from mtlkit.contracts.card import KINDS
from mtlkit.errors import UsageError
from mtlkit.testing import law_table
from mtlkit.testing.kinds import contract
from mtlkit.testing.law_table import main, page_with_tables, parts, shared_laws, table
from mtlkit.testing.profiles import PROFILES
from mtlkit.testing.report import STATES
from tests.docs.blocks import ROOT

PAGE = ROOT / "docs" / "reference" / "conformance.md"
TEXT = PAGE.read_text(encoding="utf-8")
AGAIN = "run `python -m mtlkit.testing.law_table docs/reference/conformance.md`"


def test_the_tables_are_those_of_the_kit() -> None:
    assert page_with_tables(TEXT) == TEXT, AGAIN
    assert set(re.findall(r"<!-- (\w+): generated -->", TEXT)) == set(parts())


def test_every_law_of_every_kind_has_a_row() -> None:
    sections = dict(re.findall(r"^### ([\w ]+)\n\n((?:\|.*\n)+)", TEXT, re.MULTILINE))
    assert set(sections) == {"Every kind", *map(str.capitalize, KINDS)}
    rows = {
        name: re.findall(r"^\| ([A-Z]\d+)(?:\\\*)? \|", text, re.MULTILINE) for name, text in sections.items()
    }
    shared = rows.pop("Every kind")
    assert set(shared) == {law.id for law in shared_laws()}
    assert len(shared) > 8
    for kind in KINDS:
        own = rows[kind.capitalize()]
        assert sorted([*shared, *own]) == sorted(law.id for law in contract(kind)), kind
        assert len(own) > 5
    assert f"| `head` | {len(contract('head'))} |" in TEXT


def test_states_and_profiles_are_all_explained() -> None:
    for name in (*STATES, *PROFILES):
        assert TEXT.count(f"| `{name}` |") == 1, name


def test_cells_are_escaped() -> None:
    assert table(("a",), [("x | y",)]) == "| a |\n| --- |\n| x \\| y |"
    for line in parts()["laws"].splitlines():
        assert not line.startswith("|") or len(re.findall(r"(?<!\\)\|", line)) == 5, line


def test_the_command_writes_the_page_and_nothing_else(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(law_table, "parts", lambda: {"laws": "new"})
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- laws: generated -->\nold\n<!-- end -->\nafter\n")
    main([str(page)])
    assert page.read_text() == "before\n<!-- laws: generated -->\nnew\n<!-- end -->\nafter\n"
    with pytest.raises(UsageError, match="there is no generated part 'lwas'"):
        page_with_tables("<!-- lwas: generated -->\n<!-- end -->\n")
    with pytest.raises(UsageError, match="the page has no generated part"):
        page_with_tables("# A page\n")
