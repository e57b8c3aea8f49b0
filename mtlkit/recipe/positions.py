"""Where a key stands in a TOML text. Needed, and imported, only when there is an error to report."""

import tomllib
from functools import lru_cache
from typing import Literal

import tree_sitter_toml
from attrs import define, field
from tree_sitter import Language, Node, Parser

Path = tuple[str | int, ...]
Point = tuple[int, int]
_KEYS = ("bare_key", "quoted_key", "dotted_key")
_VALUE_FREE = ("comment", "=", ",", "[", "]", "[[", "]]", "{", "}")


def locate(text: str, path: Path, of: Literal["key", "value"] = "key") -> tuple[int, int] | None:
    """Line and column, both from 1 and in characters, of a key's name or of its value.

    An element of an array has no name: its value stands for it. So does the name in a `[header]` for the
    value of a table that has one. None where the text has no such key.
    """
    index = _index(text)
    places = index.places.get(path)
    if places is None:
        return None
    row, column = places[0] if of == "key" else places[1]
    return row + 1, len(index.lines[row][:column].decode(errors="ignore")) + 1


@lru_cache(maxsize=16)
def _index(text: str) -> "_Index":
    raw = text.encode()
    tree = Parser(Language(tree_sitter_toml.language())).parse(raw)
    index = _Index(raw.split(b"\n"))
    for node in tree.root_node.children:
        if node.type == "pair":
            index.pair((), node)
        elif node.type in ("table", "table_array_element"):
            index.section(node)
    return index


@define
class _Index:
    """Places by path, in bytes, and how many elements each `[[array of tables]]` has so far."""

    lines: list[bytes]
    places: dict[Path, tuple[Point, Point]] = field(factory=dict)
    lengths: dict[Path, int] = field(factory=dict)

    def section(self, node: Node) -> None:
        header = next((child for child in node.children if child.type in _KEYS), None)
        if header is None:
            return
        *parents, last = _parts(header)
        path: Path = ()
        for part in parents:
            path = self.latest((*path, _name(part)))
            self.places.setdefault(path, (_start(part), _start(part)))
        path = (*path, _name(last))
        if node.type == "table_array_element":
            number = self.lengths.get(path, 0)
            self.lengths[path] = number + 1
            self.places.setdefault(path, (_start(last), _start(last)))
            path = (*path, number)
        self.places[path] = (_start(last), _start(last))
        for child in node.children:
            if child.type == "pair":
                self.pair(path, child)

    def latest(self, path: Path) -> Path:
        return (*path, self.lengths[path] - 1) if path in self.lengths else path

    def pair(self, table: Path, node: Node) -> None:
        key = next((child for child in node.children if child.type in _KEYS), None)
        value = next((child for child in node.children if child.type not in (*_KEYS, *_VALUE_FREE)), None)
        if key is None:
            return
        *parents, last = _parts(key)
        for part in parents:
            table = (*table, _name(part))
            self.places.setdefault(table, (_start(part), _start(part)))
        path = (*table, _name(last))
        self.places[path] = (_start(last), _start(value or last))
        if value is not None:
            self.inside(path, value)

    def inside(self, path: Path, value: Node) -> None:
        if value.type == "inline_table":
            for child in value.children:
                if child.type == "pair":
                    self.pair(path, child)
        elif value.type == "array":
            elements = [child for child in value.children if child.type not in _VALUE_FREE]
            for number, element in enumerate(elements):
                self.places[*path, number] = (_start(element), _start(element))
                self.inside((*path, number), element)


def _parts(key: Node) -> list[Node]:
    if key.type != "dotted_key":
        return [key]
    return [part for child in key.children if child.type in _KEYS for part in _parts(child)]


def _name(key: Node) -> str:
    text = (key.text or b"").decode()
    if key.type == "bare_key":
        return text
    try:
        return next(iter(tomllib.loads(f"{text} = 0")))
    except tomllib.TOMLDecodeError:
        return text


def _start(node: Node) -> Point:
    return node.start_point.row, node.start_point.column
