"""A recipe as text says it: files and overrides merged into plain values that know their place."""

import os
import re
import tomllib
from collections.abc import Callable, Sequence
from datetime import date, time
from functools import partial
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, Literal

from attrs import field, frozen

from mtlkit.contracts.nearest import nearest
from mtlkit.errors import Problem, RecipeError
from mtlkit.recipe.limits import check_text, decode, offending_value

KeyPath = tuple[str | int, ...]
Blame = Callable[[str, str], Problem]
SET = "--set"
MAX_CHAIN = 10
MAX_FILES = 32


@frozen
class Layer:
    """One file, or all overrides of the command line together (their `text` is empty)."""

    file: str
    folder: Path
    text: str
    data: dict[str, Any]


@frozen
class Origin:
    """Which layer wrote a value; the keys of a table may come from different ones."""

    layer: Layer
    keys: dict[str, "Origin"] = field(factory=dict)


@frozen
class Document:
    """The merged plain values of a recipe and where each was written."""

    data: dict[str, Any]
    file: Path
    origin: Origin = field(repr=False)

    def known(self, path: KeyPath) -> KeyPath:
        """The longest beginning of `path` that the recipe has."""
        value: Any = self.data
        for length, part in enumerate(path):
            if not _has(value, part):
                return path[:length]
            value = value[part]
        return path

    def value(self, path: KeyPath) -> Any:  # noqa: ANN401  any TOML value
        """The value at `path`, or at its nearest existing parent."""
        value: Any = self.data
        for part in self.known(path):
            value = value[part]
        return value

    def position(self, path: KeyPath, of: Literal["key", "value"] = "key") -> tuple[str, int, int]:
        """File, line and column (from 1, in characters) of a key or its value, else of its nearest parent.

        What `--set` wrote has the file `--set` and line and column 0.
        """
        from mtlkit.recipe.positions import locate

        path = self.known(path)
        layer = self._layer(path)
        if not layer.text:
            return layer.file, 0, 0
        for length in range(len(path), 0, -1):
            if place := locate(layer.text, path[:length], of):
                return layer.file, *place
        return layer.file, 1, 1

    def folder(self, path: KeyPath) -> Path:
        """The folder of the file that wrote the value at `path`; the recipe's own for `--set`."""
        return self._layer(self.known(path)).folder

    def folders(self, path: KeyPath) -> dict[str, Path]:
        """For every text below `path`, the folder of the file that wrote it.

        A table may be merged from files of several folders, and each relative path belongs to its own.
        """
        if self.known(path) != path:
            return {}
        found: dict[str, Path] = {}
        todo = [(self.value(path), self._written(path))]
        while todo:
            value, origin = todo.pop()
            if isinstance(value, dict):
                todo += [(inner, origin.keys.get(key, origin)) for key, inner in value.items()]
            elif isinstance(value, list):
                todo += [(inner, origin) for inner in value]
            elif isinstance(value, str):
                found[value] = origin.layer.folder
        return found

    def _layer(self, path: KeyPath) -> Layer:
        return self._written(path).layer

    def _written(self, path: KeyPath) -> Origin:
        origin = self.origin
        for part in path:
            if not isinstance(part, str) or part not in origin.keys:
                break
            origin = origin.keys[part]
        return origin


def read(path: Path, overrides: Sequence[str] = ()) -> Document:
    """Read a recipe with everything it extends, then apply `KEY=VALUE` overrides.

    Tables merge; other values replace. A table that names another plugin than the one it inherits (`use`)
    takes nothing over from it, for those were the other plugin's options.

    Raises:
        RecipeError: when a file is missing, is not TOML or passes a limit, when `extends` goes in a circle
            or too deep, or when an override can't be read.
    """
    layers = _layers(path)
    own = layers[-1]
    data, origin = dict(layers[0].data), _origin(layers[0].data, layers[0])
    for layer in layers[1:]:
        data, origin = _merged(data, origin, layer.data, layer)
    origin = Origin(own, origin.keys)
    if overrides:
        layer = Layer(SET, own.folder, "", _overrides(overrides))
        data, changed = _merged(data, origin, layer.data, layer)
        origin = Origin(own, changed.keys)
    document = Document(data, path, origin)
    if wrong := offending_value(data):
        raise RecipeError(_problem(document, *wrong))
    return document


def _problem(document: Document, path: KeyPath, message: str, suggestion: str) -> Problem:
    file, line, column = document.position(path, "value")
    dotted = ".".join(str(part) for part in path)
    return Problem(message, suggestion, dotted, file, line, column)


def _layers(path: Path, chain: tuple[Path, ...] = (), blame: Blame = Problem) -> list[Layer]:
    """The files that `path` extends, nearest last, then itself; `blame` places a failure to get at it."""
    real = _real(path)
    if real in chain:
        circle = " → ".join(each.name for each in (*chain[chain.index(real) :], real))
        raise RecipeError(blame(f"extends itself: {circle}", "remove one of them"))
    if len(chain) > MAX_CHAIN:
        raise RecipeError(blame(f"extends more than {MAX_CHAIN} recipes in a row", "extend fewer"))
    if chain and _is_endless(path):
        # a recipe on the command line may come through a pipe; what one extends would be waited for
        raise RecipeError(blame(f"{str(path)!r} is a pipe or a device", "extend a file"))
    own = _parsed(path, blame)
    bases = own.data.pop("extends", [])
    names = bases if isinstance(bases, list) else [bases]
    here = Document({"extends": bases}, path, Origin(own))
    layers: list[Layer] = []
    for number, name in enumerate(names):
        where: KeyPath = ("extends", number) if isinstance(bases, list) else ("extends",)
        if not isinstance(name, str):
            message = "extends names files as text"
            raise RecipeError(_problem(here, where, message, 'write extends = "other.toml"'))
        base = Path(os.path.normpath(path.parent / name))
        layers += _layers(base, (*chain, real), partial(_problem, here, where))
        if len(layers) > MAX_FILES:
            raise RecipeError(_problem(here, where, f"extends more than {MAX_FILES} files", "extend fewer"))
    return [*layers, own]


def _is_endless(path: Path) -> bool:
    """Whether it is a pipe or a device; what can be no path is none, and opening it says why."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (S_ISREG(mode) or S_ISDIR(mode))


def _real(path: Path) -> Path:
    """The file itself; a path that leads nowhere stays as it is, and opening it says why."""
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError):  # a NUL, a circle of links
        return path


def _parsed(path: Path, blame: Blame) -> Layer:
    file = str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(1024 * 1024 + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, PermissionError):
            message = f"{file!r} can't be read: {error.strerror}"
            raise RecipeError(blame(message, "get the right to read it, or name another")) from error
        reason = "does not exist" if isinstance(error, FileNotFoundError) else _reason(error)
        raise RecipeError(blame(f"{file!r} {reason}", _nearest_file(path))) from error
    text = decode(raw, file)
    check_text(text, file)
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise RecipeError(_syntax_problem(str(error), text, file)) from error
    return Layer(file, path.parent.absolute(), text, data)


def _reason(error: OSError | ValueError) -> str:
    return f"can't be read: {getattr(error, 'strerror', None) or error}"


def _nearest_file(path: Path) -> str:
    try:
        names = sorted(each.name for each in path.parent.iterdir() if each.suffix == ".toml")
    except (OSError, ValueError):
        return f"the folder {str(path.parent)!r} does not exist"
    near = nearest(path.name, names)
    if near:
        return f"did you mean {str(path.parent / near)!r}?"
    return f"recipes there: {', '.join(names[:8])}" if names else ""


def _syntax_problem(message: str, text: str, file: str) -> Problem:
    match = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    lines = text.split("\n")
    line, column = len(lines), len(lines[-1]) + 1
    if match and match[1]:
        line, column = int(match[1]), int(match[2])
    message = message[: match.start()] if match else message
    word = re.match(r"[A-Za-z][\w./ -]{0,60}?(?=\s*(?:[,\]}#]|$))", lines[line - 1][column - 1 :])
    hint = ""
    if message == "Invalid value" and word:
        lower = word[0].lower()
        hint = f"write {lower}" if lower in ("true", "false") else f'put text in quotes: "{word[0]}"'
    if message == "Cannot overwrite a value":
        hint = "a key is written twice: keep one"
    return Problem(f"not TOML: {message[:1].lower()}{message[1:]}", hint, file=file, line=line, column=column)


def _overrides(overrides: Sequence[str]) -> dict[str, Any]:
    layer = Layer(SET, Path(), "", {})
    data: dict[str, Any] = {}
    for override in overrides:
        table = _override(override)
        if "extends" in table:
            raise _bad_override(override, "extends can't be set", "make a recipe that extends both")
        data, _ = _merged(data, _origin(data, layer), table, layer, keep=True)
    return data


def _override(override: str) -> dict[str, Any]:
    key, equals, value = override.partition("=")
    example = "write --set tasks.NAME.weight=0.5"
    if not equals:
        raise _bad_override(override, "is not KEY=VALUE", example)
    check_text(override, SET)
    table = _toml(f"{key} = 0")
    if "\n" in key or table is None:
        raise _bad_override(override, f"{key!r} is not a key", example)
    parsed = _toml(f"v = {value}")
    plain = parsed is not None and set(parsed) == {"v"} and not isinstance(parsed["v"], date | time)
    if not plain and value.lstrip()[:1] in ("[", "{", '"', "'"):
        raise _bad_override(override, f"{value!r} is not a TOML value", "check its brackets and quotes")
    inner = table
    while isinstance(next(iter(inner.values())), dict):
        inner = next(iter(inner.values()))
    inner[next(iter(inner))] = parsed["v"] if plain and parsed else value
    return table


def _toml(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def _bad_override(override: str, message: str, suggestion: str) -> RecipeError:
    return RecipeError(Problem(f"{override!r}: {message}", suggestion, file=SET))


def _has(value: object, part: str | int) -> bool:
    if isinstance(value, dict):
        return part in value
    return isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value)


def _origin(value: object, layer: Layer) -> Origin:
    keys = {key: _origin(inner, layer) for key, inner in value.items()} if isinstance(value, dict) else {}
    return Origin(layer, keys)


def _merged(
    below: dict[str, Any], origin: Origin, above: dict[str, Any], layer: Layer, *, keep: bool = False
) -> tuple[dict[str, Any], Origin]:
    """`above` over `below`; `keep` merges tables even where `use` differs."""
    data, keys = dict(below), dict(origin.keys)
    for key, value in above.items():
        old = below.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and (keep or _same_plugin(old, value)):
            data[key], keys[key] = _merged(old, keys[key], value, layer, keep=keep)
        else:
            data[key], keys[key] = value, _origin(value, layer)
    return data, Origin(layer, keys)


def _same_plugin(below: dict[str, Any], above: dict[str, Any]) -> bool:
    return "use" not in below or "use" not in above or bool(below["use"] == above["use"])
