"""The reference pages made from cards and docstrings are what their generator makes now."""

import importlib.util
import subprocess
import sys
from functools import cache
from types import ModuleType

import pytest

from mtlkit.catalog.discover import open_catalog
from mtlkit.contracts.params import ParamTable
from tests.docs.blocks import ROOT

COMMAND = "make docs-reference"
KINDS = {"freezing.md": ("freeze", "regularizer"), "rates.md": ("lr", "curve", "optimizer")}
PLAIN = {"data.md": ("data",), "heads.md": ("head",)}  # what it lists is not told when to take it


@cache
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@cache
def made(name: str) -> str:
    return generator().pages()[name]


def test_all_pages_are_known():
    assert set(generator().pages()) == {*KINDS, *PLAIN}


@pytest.mark.parametrize("name", [*KINDS, *PLAIN])
def test_the_page_is_what_is_generated(name):
    page = ROOT / "docs" / "reference" / name
    assert page.read_text(encoding="utf-8") == made(name), f"run `{COMMAND}`"


@pytest.mark.parametrize(("name", "at_least"), [("freezing.md", 13), ("rates.md", 8)])
def test_every_plugin_of_ours_has_a_card(name, at_least):
    ours = [
        entry.card
        for kind in KINDS[name]
        for entry in open_catalog().of(kind)
        if entry.distribution == "mtlkit"
    ]
    assert len(ours) >= at_least
    cards = made(name).split("\n### ")[1:]
    assert sorted(card.partition("\n")[0] for card in cards) == sorted(card.name for card in ours)
    for card in ours:
        [text] = [text for text in cards if text.startswith(f"{card.name}\n")]
        assert f"*{card.summary}*" in text
        assert text.count("**When it helps:** ") == text.count("**When it does not:** ") == 1
        assert f'use = "{card.name}"' in text
        assert card.paper in text
        assert ("```text\ntimeline: " in text) == (card.kind in ("freeze", "lr", "curve"))


@pytest.mark.parametrize("name", KINDS)
def test_a_docstring_says_once_when_the_plugin_helps(name):
    entries = [
        entry for kind in KINDS[name] for entry in open_catalog().of(kind) if entry.distribution == "mtlkit"
    ]
    assert len(entries) >= 13
    for entry in entries:
        text = generator().facts_of(entry)["help"]
        lines = [
            line.partition(":")[0]
            for line in text.split("\n")
            if line.startswith(("Helps:", "Does not help:"))
        ]
        assert lines in ([], ["Helps", "Does not help"]), entry.card.name


@pytest.mark.parametrize("name", KINDS)
def test_lines_of_pictures_fit_a_narrow_page(name):
    pictures = [part.partition("\n```")[0] for part in made(name).split("```text\n")[1:]]
    assert len(pictures) >= 6
    assert max(len(line) for picture in pictures for line in picture.split("\n")) <= generator().WIDTH


def test_sections_of_a_docstring():
    sections = generator().sections
    text = "Does a thing.\n\nMore of it.\n\nHelps: here\nand there (Source 1).\nDoes not help: elsewhere.\n\nThe end."
    assert sections(text) == (
        "Does a thing.\n\nMore of it.\n\n\nThe end.",
        "here and there (Source 1).",
        "elsewhere.",
    )
    assert sections("Does a thing.") == ("Does a thing.", "", "")


def test_the_model_of_the_pictures_has_every_part():
    table = generator().bert(("news",))
    assert isinstance(table, ParamTable)
    assert {row.role for row in table} == {"embeddings", "block", "final", "head"}
    assert {row.depth for row in table if row.role == "block"} == set(range(1, table.depth + 1))
    assert {row.kind for row in table} == {"weight", "bias", "norm", "embedding"}
    assert sum(row.adapter for row in table) == 2 * table.depth
    assert len(set(table.names)) == len(table)


def test_the_generator_needs_no_torch():
    code = "import runpy, sys; runpy.run_path('docs/generate.py')['pages'](); print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_the_command_is_in_the_makefile():
    recipe = (
        (ROOT / "Makefile").read_text(encoding="utf-8").partition("\ndocs-reference:")[2].partition("\n\n")[0]
    )
    assert "docs/generate.py" in recipe
    assert "mtlkit.testing.law_table docs/reference/conformance.md" in recipe


@pytest.mark.parametrize(("name", "at_least"), [("data.md", 12)])
def test_every_plugin_of_ours_is_on_a_plain_page(name, at_least):
    ours = [
        entry.card
        for kind in PLAIN[name]
        for entry in open_catalog().of(kind)
        if entry.distribution == "mtlkit"
    ]
    assert len(ours) >= at_least
    cards = made(name).split("\n### ")[1:]
    assert sorted(card.partition("\n")[0] for card in cards) == sorted(card.name for card in ours)
    for card in ours:
        [text] = [text for text in cards if text.startswith(f"{card.name}\n")]
        assert f"*{card.summary}*" in text
        assert "When it helps" not in text
        assert f'use = "{card.name}"' in text
        assert card.paper in text


def test_the_page_about_data_lists_the_keys_of_its_tables():
    text = made("data.md")
    for key in (
        "`columns`",
        "`where`",
        "`fold`",
        "`pair`",
        "`min`",
        "`without`",
        "`salt`",
        "`of`",
    ):
        assert f"| {key} |" in text, key
