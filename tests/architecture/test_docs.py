"""The documentation names what exists: files, functions, commands, exit codes, rooms, links."""

import ast
import re
import signal
from pathlib import Path

import pytest

import mtlkit
from mtlkit import errors
from mtlkit.cli.signals import SIGNALS
from mtlkit.plan.changes import RULES

ROOT = Path(__file__).parents[2]
PACKAGE = Path(mtlkit.__file__).parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
ONE_RUN = (ROOT / "docs" / "one-run.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)(?::([\w.]+))?`", ONE_RUN)))
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")


def defined(path: Path, dotted: str) -> bool:
    """Whether a module defines that function, class, constant or method."""
    body: list[ast.stmt] = ast.parse(path.read_text(encoding="utf-8")).body
    for part in dotted.split("."):
        found = [node for node in body if part in names(node)]
        if not found:
            return False
        body = getattr(found[0], "body", [])
    return True


def names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.AnnAssign):
        return {ast.unparse(node.target)}
    return {ast.unparse(target) for target in node.targets} if isinstance(node, ast.Assign) else set()


def test_one_run_names_enough_to_be_a_guide() -> None:
    assert len(NAMED) >= 20


@pytest.mark.parametrize(("file", "name"), NAMED, ids=lambda value: value or "-")
def test_what_one_run_names_exists(file: str, name: str) -> None:
    path = PACKAGE / file
    assert path.is_file()
    assert not name or defined(path, name)


def test_one_run_names_every_room() -> None:
    table = set(re.findall(r"^\| `(\w+)/`", ONE_RUN, re.MULTILINE))
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert table == rooms


def commands() -> set[str]:
    from mtlkit.cli.main import COMMANDS

    return set(COMMANDS)


def test_every_command_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^## mtlkit (\w+)", page, re.MULTILINE)) == commands()


def test_every_exit_code_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "exit-codes.md").read_text(encoding="utf-8")
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    classes = [
        each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)
    ]
    signals = {128 + getattr(signal, name) for name in SIGNALS}
    assert documented == {0} | signals | {each.exit_code for each in classes}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_resolve(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [link.partition("#")[0] for link in LINK.findall(text) if not re.match(r"[a-z]+:", link)]
    assert [target for target in targets if target and not (page.parent / target).exists()] == []


def test_every_page_is_reached_from_the_index() -> None:
    todo, seen = [ROOT / "docs" / "index.md"], set()
    while todo:
        page = todo.pop()
        seen.add(page)
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target not in seen:
                todo.append(target)
    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} <= seen


def test_every_promise_about_security_names_tests_that_exist() -> None:
    page = (ROOT / "docs" / "explanation" / "security.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")][1:]
    named = [re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row[-1]) for row in rows]
    assert all(named)
    for file, test in (each for found in named for each in found):
        assert f"\ndef {test}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{test}"
    numbers = [int(row[0].removeprefix("T")) for row in rows]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, 21))


def test_what_may_change_on_resume_is_what_the_page_says() -> None:
    page = (ROOT / "docs" / "reference" / "resuming.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([\w.*]+)` \| (free|allow|refused) \|$", page, re.MULTILINE)
    assert tuple(told) == RULES
