"""Data is never code: nothing in the package unpickles, unpacks, evaluates or imports what data names."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mtlkit

PACKAGE = Path(mtlkit.__file__).parent
MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "marshal", "shelve", "joblib", "yaml", "runpy", "code"}
ARCHIVES = {"zipfile", "tarfile", "zipimport"}
BUILTINS = {"eval", "exec", "compile", "__import__"}
CALLS = {
    "torch.load",
    "torch.save",
    "torch.jit.load",
    "numpy.load",
    "np.load",
    "joblib.load",
    "yaml.load",
    "pandas.read_pickle",
    "shutil.make_archive",
    "shutil.unpack_archive",
}
KEYWORDS = {"trust_remote_code", "allow_pickle"}


# `mtlkit convert`, in a process of its own, with weights_only=True
EXEMPT = {"converting.py: torch.load()"}


def offences(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (
                f"import {each.name}"
                for each in node.names
                if each.name.partition(".")[0] in MODULES | ARCHIVES
            )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module.partition(".")[0] in MODULES | ARCHIVES:
                yield f"from {node.module}"
            yield from (
                f"from {node.module} import {each.name}"
                for each in node.names
                if f"{node.module}.{each.name}" in CALLS
            )
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in BUILTINS or called in CALLS:
                yield f"{called}()"
            for keyword in node.keywords:
                allowed = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
                if keyword.arg in KEYWORDS and not allowed:
                    yield f"{keyword.arg}={ast.unparse(keyword.value)}"


def test_the_package_never_runs_data() -> None:
    found = [
        f"{path.relative_to(PACKAGE).as_posix()}: {offence}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for offence in offences(path.read_text(encoding="utf-8"))
    ]
    assert set(found) == EXEMPT
    assert "weights_only=True" in (PACKAGE / "converting.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from dill import loads",
        "import torch\ntorch.load('x')",
        "from torch import load",
        "eval('1')",
        "f(x, trust_remote_code=True)",
        "import yaml",
        "import zipfile",
        "import shutil\nshutil.unpack_archive('x')",
    ],
)
def test_offences_are_found(source: str) -> None:
    assert list(offences(source))


def test_what_is_allowed_is_let_through() -> None:
    assert list(offences("import re\nre.compile('x')\nf(trust_remote_code=False)\nmodel.eval()")) == []
