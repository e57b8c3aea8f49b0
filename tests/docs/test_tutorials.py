"""The tutorials and the guide to a new plugin do what they say: their blocks are executed in order."""

import re
from pathlib import Path

import pytest
from attrs import frozen

from mtlkit import FreezePolicy
from mtlkit.testing.kinds import contract
from mtlkit.testing.subject import subject_of
from tests.docs.blocks import LANGUAGES, ROOT, Page, hunks, languages, sessions

DOCS = ROOT / "docs"
COMMANDS = {
    "tutorial/first-head.md": 5,
    "tutorial/first-freeze-policy.md": 7,
    "tutorial/counterexample.md": 14,
    "how-to/new-plugin.md": 10,
}
SHOWN = {"how-to/new-plugin.md": ["sh"]}  # needs an account
FREEZE = (DOCS / "tutorial" / "first-freeze-policy.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("page", COMMANDS)
def test_a_page_does_what_it_says(page: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    executed = Page(DOCS / page, folder)
    executed.execute()
    assert len(executed.commands) == COMMANDS[page]


@pytest.mark.parametrize("page", COMMANDS)
def test_no_block_is_passed_over(page: str, tmp_path: Path) -> None:
    fenced = languages(DOCS / page)
    shown = SHOWN.get(page, [])
    assert [each for each in fenced if each not in LANGUAGES] == shown
    parsed = list(Page(DOCS / page, tmp_path).document())
    assert len(parsed) == len(fenced) - len(shown) > 5


def test_every_tutorial_but_the_quickstart_is_executed() -> None:
    found = {path.relative_to(DOCS).as_posix() for path in (DOCS / "tutorial").glob("*.md")}
    assert found - set(COMMANDS) == {"tutorial/first-run.md"}


def test_the_first_head_has_less_than_forty_lines_besides_its_imports(tmp_path: Path) -> None:
    page = Page(DOCS / "tutorial" / "first-head.md", tmp_path)
    for example in page.document():
        if example.parsed.startswith(("# stars.py", "--- stars.py")):
            example.evaluate()
    lines = [line for line in (tmp_path / "stars.py").read_text().splitlines() if line.strip()]
    code = [line for line in lines if not line.startswith(("import ", "#"))]
    assert 30 < len(code) < 40
    assert max(map(len, lines)) <= 110


def test_the_table_of_declarations_is_that_of_the_contract() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", FREEZE, re.MULTILINE))
    declared = {name for name in FreezePolicy.__annotations__ if name.islower()}
    assert told == {name: str(getattr(FreezePolicy, name)) for name in declared}


def test_the_laws_that_the_table_names_follow_the_declarations() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \|.*\| ([^|]*) \|$", FREEZE, re.MULTILINE)
    assert len(rows) == len(FreezePolicy.__annotations__)
    plain = applying({})
    for name, default, told in rows:
        declared = applying({name: default == "False"})
        ids = set(re.findall(r"\bF\d+\b", told))
        expected = (ids, set()) if "from then on" in told else (set(), ids)
        assert (declared - plain, plain - declared) == expected, name
        assert ids


def applying(declarations: dict[str, bool]) -> set[str]:
    """The laws that apply to a policy that declares this."""
    policy = frozen(type("Policy", (FreezePolicy,), declarations))
    return {law.id for law in contract("freeze") if not law.applies(subject_of(policy))}


def blocks(tmp_path: Path, text: str) -> Page:
    page = tmp_path / "page.md"
    page.write_text(text, encoding="utf-8")
    folder = tmp_path / "folder"
    folder.mkdir(exist_ok=True)
    return Page(page, folder)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("```python\nx = 1\n```\n", "page.md:1: the block begins with 'x = 1'"),
        ("```console\n$ echo one\ntwo\n```\n", "`echo one` should print\ntwo\n"),
        ("```console\n$ echo one\n```\n", "`echo one` should print\n\nand printed\none\n"),
        ("```console\n$ exit 3\n```\n", "the last command ended with 3"),
        ("```console\n$ exit 3\n$ echo one\none\n```\n", "before `echo one`, a command ended with 3"),
        ("```console\n$ exit 3\n$ echo $?\n4\n```\n", "`echo $?` should print\n4\n"),
        ("```console\none\n```\n", "a console block begins with a command"),
        (
            "```python\n# a.py\nx = 1\n```\n\n```diff\n--- a.py\n-y = 1\n+y = 2\n```\n",
            "has these lines 0 times",
        ),
        ("```diff\n-y = 1\n+y = 2\n```\n", "page.md:1: the block begins with '-y = 1'"),
    ],
)
def test_what_is_not_so_is_found(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as caught:
        blocks(tmp_path, text).execute()
    assert told in str(caught.value)


def test_blocks_work_on_one_folder(tmp_path: Path) -> None:
    page = blocks(
        tmp_path,
        "```python\n# deep/a.py\nprint('one')\nprint('two')\n```\n\n```diff\n--- deep/a.py\n-print('one')\n"
        "@@\n-print('two')\n+print(2)\n```\n\n"
        "```console\n$ python deep/a.py\n2\n$ exit 3\n$ echo $?\n3\n$ seq 5\n1\n...\n5\n```\n",
    )
    page.execute()
    assert page.files == ["deep/a.py"]
    assert page.commands == ["python deep/a.py", "exit 3", "echo $?", "seq 5"]


def test_parts_of_a_block() -> None:
    assert list(sessions("$ a\n$ b\nc $ d\n")) == [("a", ""), ("b", "c $ d\n")]
    assert list(hunks(["+++ a.py", "-a", "@@", " b"])) == [["-a"], [" b"]]
