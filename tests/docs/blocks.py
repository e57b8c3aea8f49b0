"""Executes the code blocks of a page, in order, in one folder.

- A block of a file begins with a comment that names it, `# my_head.py`, and is written there.
- A `diff` block begins with `--- my_head.py`; its removed and kept lines occur once in that file.
- A `console` block has commands after `$ `, each with what it prints; `...` stands for anything.
  A command that ends with another code than 0 is followed by `$ echo $?`.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path

from attrs import define, field
from sybil import Sybil
from sybil.document import Document
from sybil.example import Example
from sybil.parsers.markdown import CodeBlockParser

ROOT = Path(__file__).parents[2]
FILES = ("python", "toml")
LANGUAGES = (*FILES, "diff", "console")
STATUS = "echo $?"
SECONDS = 240
PROGRAMS = {
    "python": "",
    "mtlkit": "-m mtlkit",
    "pytest": "-m pytest",
    "pip": str(Path(__file__).parent / "editable_install.py"),
}


@define
class Page:
    """A page being executed in `folder`; `commands` and `files` are what it did."""

    path: Path
    folder: Path
    commands: list[str] = field(factory=list)
    files: list[str] = field(factory=list)

    def execute(self) -> None:
        """All blocks, each an `AssertionError` with its line where it does not do what it says."""
        self._programs()
        for example in self.document():
            try:
                example.evaluate()
            except AssertionError as error:
                raise AssertionError(f"{self.path.name}:{example.line}: {error}") from error

    def document(self) -> Document:
        """The page with its blocks."""
        parsers = [CodeBlockParser(language, self._file) for language in FILES]
        parsers += [CodeBlockParser("diff", self._diff), CodeBlockParser("console", self._console)]
        return Sybil(parsers).parse(self.path)

    def _file(self, example: Example) -> None:
        first = example.parsed.partition("\n")[0]
        named = re.fullmatch(r"# ([\w./-]+\.\w+)", first)
        assert named, f"the block begins with {first!r}, not with a comment that names a file"
        self.files.append(named[1])
        self.file(named[1]).write_text(example.parsed, encoding="utf-8")

    def _diff(self, example: Example) -> None:
        first, *lines = example.parsed.splitlines()
        assert first.startswith("--- "), f"the block begins with {first!r}, not with `--- FILE`"
        file = self.file(first.removeprefix("--- "))
        text = file.read_text(encoding="utf-8")
        for hunk in hunks(lines):
            old, new = (
                "".join(f"{line[1:]}\n" for line in hunk if line[:1] not in skipped) for skipped in "+-"
            )
            assert text.count(old) == 1, f"{file.name} has these lines {text.count(old)} times:\n{old}"
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")

    def _console(self, example: Example) -> None:
        code = 0
        for command, wanted in sessions(example.parsed):
            assert code == 0 or command == STATUS, f"before `{command}`, a command ended with {code}: echo it"
            code = self._run(command, wanted, code)
        assert code == 0, f"the last command ended with {code}: add `$ {STATUS}`"

    def _run(self, command: str, wanted: str, before: int) -> int:
        self.commands.append(command)
        done = subprocess.run(
            ["bash", "-c", f"(exit {before}); {command}"],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        printed = "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())
        told = f"`{command}` should print\n{wanted}\nand printed\n{printed}\nwith exit code {done.returncode}"
        assert OutputChecker().check_output(wanted, printed, ELLIPSIS), told
        return done.returncode

    def file(self, name: str) -> Path:
        """A file of the folder, its own folder made."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _programs(self) -> None:
        """`python`, `mtlkit` and `pytest` of this interpreter, and a `pip` that needs no network."""
        for name, arguments in PROGRAMS.items():
            program = self.file(f"../bin-{self.folder.name}/{name}")
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n', encoding="utf-8")
            program.chmod(0o755)

    def _environment(self) -> dict[str, str]:
        site, programs = (self.folder.parent / f"{kind}-{self.folder.name}" for kind in ("site", "bin"))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
        found = os.pathsep.join(map(str, (ROOT, site)))
        path = os.pathsep.join((str(programs), os.environ["PATH"]))
        own = {"PATH": path, "PYTHONPATH": found, "SITE": str(site), "COLUMNS": "110"}
        return {**kept, **own, "PYTEST_ADDOPTS": "-p no:randomly -p no:cacheprovider"}


def hunks(lines: list[str]) -> Iterator[list[str]]:
    """The parts between lines `@@`, headers left out."""
    found: list[str] = []
    for line in lines:
        if line.startswith("@@"):
            yield found
            found = []
        elif not line.startswith("+++"):
            found.append(line)
    yield found


def sessions(source: str) -> Iterator[tuple[str, str]]:
    """Each command with the text that it should print."""
    assert source.startswith("$ "), f"a console block begins with a command, not with {source[:40]!r}"
    for part in re.split(r"^\$ ", source, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield command, printed


def languages(page: Path) -> list[str]:
    """The language of every fenced block of a page."""
    return re.findall(r"^```(\w*)\n.*?^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
