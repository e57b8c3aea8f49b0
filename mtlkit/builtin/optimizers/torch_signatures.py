"""What torch's optimizers are called and which arguments they take, read from torch's sources.

Importing torch takes seconds, and checking a recipe must not: the sources of the installed torch say the
same as the imported classes.
"""

import ast
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def sources() -> Mapping[str, Path]:
    """The file of each public optimizer class of torch.optim, by class name.

    Empty where torch is not installed or its sources are not there to be read; then what a recipe says is
    checked when the optimizer is built.
    """
    spec = find_spec("torch")
    folders = [Path(each) / "optim" for each in spec.submodule_search_locations or ()] if spec else []
    return {
        name.name: folder / f"{node.module.rpartition('.')[2]}.py"
        for folder in folders
        if (folder / "__init__.py").is_file()
        for node in _parsed(folder / "__init__.py").body
        if isinstance(node, ast.ImportFrom) and node.module
        for name in node.names
        if name.name[:1].isupper() and name.name != "Optimizer"
    }


@cache
def arguments(class_name: str) -> tuple[str, ...]:
    """The names of the constructor's arguments, `params` and `lr` included; none where they can't be read."""
    source = sources().get(class_name)
    body = _parsed(source).body if source is not None and source.is_file() else []
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name == class_name:
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and inner.name == "__init__":
                    told = inner.args
                    return tuple(each.arg for each in (*told.posonlyargs, *told.args[1:], *told.kwonlyargs))
    return ()


def _parsed(source: Path) -> ast.Module:
    return ast.parse(source.read_text(encoding="utf-8"))
