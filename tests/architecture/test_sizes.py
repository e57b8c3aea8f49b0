"""Sizes stay small, names say something, and nothing is asserted outside tests."""

import ast
from collections.abc import Iterator
from pathlib import Path

import mtlkit

PACKAGE = Path(mtlkit.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
FUNCTION_LINES, MODULE_LINES, CLASS_LINES, PARAMETERS = 50, 400, 250, 8
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "core", "misc"}
# place → why it may be larger
EXCEPTIONS: dict[str, str] = {}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def definitions(path: Path) -> Iterator[Function | ast.ClassDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function | ast.ClassDef):
            yield node


def lines(node: Function | ast.ClassDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def parameters(node: Function) -> int:
    told = node.args
    names = [
        each.arg
        for each in (*told.posonlyargs, *told.args, *told.kwonlyargs, told.vararg, told.kwarg)
        if each
    ]
    return len([name for name in names if name not in ("self", "cls")])


def too_large(path: Path) -> Iterator[str]:
    count = len(path.read_text(encoding="utf-8").splitlines())
    if count > MODULE_LINES:
        yield f"{name_of(path)}: {count} lines"
    for node in definitions(path):
        place = f"{name_of(path)}:{node.name}"
        most = CLASS_LINES if isinstance(node, ast.ClassDef) else FUNCTION_LINES
        if lines(node) > most:
            yield f"{place}: {lines(node)} lines"
        if isinstance(node, Function) and parameters(node) > PARAMETERS:
            yield f"{place}: {parameters(node)} parameters"


def test_nothing_is_too_large() -> None:
    found = [
        line for path in MODULES for line in too_large(path) if line.rpartition(": ")[0] not in EXCEPTIONS
    ]
    assert found == []


def test_exceptions_are_still_needed() -> None:
    needed = {line.rpartition(": ")[0] for path in MODULES for line in too_large(path)}
    assert set(EXCEPTIONS) <= needed


def test_measures_count_what_they_say() -> None:
    node = ast.parse("def f(self, a, /, b, *c, d, **e):\n    a = 1\n    return a\n").body[0]
    assert isinstance(node, ast.FunctionDef)
    assert (lines(node), parameters(node)) == (3, 5)


def test_modules_are_named_after_what_they_hold() -> None:
    assert [name_of(path) for path in MODULES if path.stem in FORBIDDEN_NAMES] == []


def test_no_assert_outside_tests() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert)
    ]
    assert found == []
