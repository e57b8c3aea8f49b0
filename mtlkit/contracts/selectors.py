"""Selectors: one small language that says which weights are meant, the same on every backbone.

    backbone  embeddings  blocks  blocks[0:6]  blocks[-2:]  blocks[3]  final  heads  head.sentiment
    adapter                                       what an adapter brought, wherever it was put
    type:norm  type:bias  type:weight  type:embedding
    backbone.encoder.layer.1.*                    a glob: `*` any characters, `?` one, the whole name
    blocks[0:6] & !type:norm | head.news          operators: `!` before `&` before `|`; parentheses

Blocks are numbered from 0 and sliced as in Python, so the block with number i has depth i + 1. The weights
of adapters are weights of the backbone and of the part that they were put into: `backbone & !adapter` is the
backbone without them, `blocks[0:6] & adapter` the adapters of six blocks.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import get_args

from attrs import frozen

from mtlkit.contracts.globs import Glob
from mtlkit.contracts.nearest import nearest
from mtlkit.contracts.params import BACKBONE, Kind, ParamTable, Role, Row

PLACES: dict[str, Role] = {"embeddings": "embeddings", "blocks": "block", "final": "final"}
KINDS: tuple[Kind, ...] = get_args(Kind)
ADAPTER = "adapter"
WORDS = (BACKBONE, *PLACES, "heads", ADAPTER)
EXPECTED = "a selector such as backbone, blocks[0:6], head.NAME, type:norm or a weight name with *"
OPERATORS = frozenset("|&!()")
MAX_NESTING = 64
MAX_DIGITS = 9


@frozen
class Selector:
    """A parsed selector: a pure predicate on the rows of a table."""

    text: str
    node: "Node"

    def matches(self, row: Row, table: ParamTable) -> bool:
        """Whether the selector means this weight."""
        return self.node.holds(row, table)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks named by `head.NAME` terms, each once, in order."""
        return tuple(dict.fromkeys(self.node.tasks()))


@lru_cache(maxsize=4096)
def parse(text: str) -> Selector:
    """Read a selector.

    Raises:
        ValueError: when the text is not a selector; says at which position (from 1) and what was
            expected there.
    """
    return Selector(text, _Parser(text).whole())


@frozen
class Term:
    """One name, kind, place or glob; `None` means that this is not what the term asks for."""

    owner: str | None = None
    head: bool = False
    adapter: bool = False
    role: Role | None = None
    kind: Kind | None = None
    blocks: tuple[int | None, int | None, int | None] | None = None
    glob: Glob | None = None

    def holds(self, row: Row, table: ParamTable) -> bool:
        """Whether everything the term asks for is true of the row."""
        if self.glob is not None:
            return any(self.glob.matches(name) for name in row.names)
        if self.blocks is not None and row.depth - 1 not in range(table.depth)[slice(*self.blocks)]:
            return False
        return (
            (self.owner is None or row.owner == self.owner)
            and (not self.head or row.owner != BACKBONE)
            and (not self.adapter or row.adapter)
            and (self.role is None or row.role == self.role)
            and (self.kind is None or row.kind == self.kind)
        )

    def tasks(self) -> Iterator[str]:
        """The task of a `head.NAME` term."""
        if self.head and self.owner is not None:
            yield self.owner


@frozen
class Negation:
    """What the part does not mean."""

    part: "Node"

    def holds(self, row: Row, table: ParamTable) -> bool:
        """Whether the part does not hold."""
        return not self.part.holds(row, table)

    def tasks(self) -> Iterator[str]:
        """Tasks named in the part."""
        return self.part.tasks()


@frozen
class Union:
    """What any of the parts means."""

    parts: "tuple[Node, ...]"

    def holds(self, row: Row, table: ParamTable) -> bool:
        """Whether one of the parts holds."""
        return any(part.holds(row, table) for part in self.parts)

    def tasks(self) -> Iterator[str]:
        """Tasks named in the parts."""
        return (task for part in self.parts for task in part.tasks())


@frozen
class Intersection:
    """What all of the parts mean."""

    parts: "tuple[Node, ...]"

    def holds(self, row: Row, table: ParamTable) -> bool:
        """Whether all of the parts hold."""
        return all(part.holds(row, table) for part in self.parts)

    def tasks(self) -> Iterator[str]:
        """Tasks named in the parts."""
        return (task for part in self.parts for task in part.tasks())


Node = Term | Negation | Union | Intersection


class _Parser:
    """Recursive descent over `union := meet ('|' meet)*`, `meet := atom ('&' atom)*`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = list(_words(text))
        self.next = 0
        self.nesting = 0

    def whole(self) -> Node:
        node = self.union()
        place, word = self.peek()
        if word:
            raise _error(self.text, place, f"found {word!r}, expected '|', '&' or the end")
        return node

    def union(self) -> Node:
        parts = [self.meet()]
        while self.take("|"):
            parts.append(self.meet())
        return parts[0] if len(parts) == 1 else Union(tuple(parts))

    def meet(self) -> Node:
        parts = [self.atom()]
        while self.take("&"):
            parts.append(self.atom())
        return parts[0] if len(parts) == 1 else Intersection(tuple(parts))

    def atom(self) -> Node:
        negated = False
        while self.take("!"):
            negated = not negated
        place, word = self.peek()
        if self.take("("):
            node = self.nested(place)
        elif not word or word in OPERATORS:
            found = f"found {word!r}" if word else "the selector ends here"
            raise _error(self.text, place, f"{found}, expected {EXPECTED}")
        else:
            self.next += 1
            node = _term(self.text, place, word)
        return Negation(node) if negated else node

    def nested(self, opened: int) -> Node:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise _error(self.text, opened, f"expected at most {MAX_NESTING} parentheses inside each other")
        node = self.union()
        place, word = self.peek()
        if not self.take(")"):
            found = f"found {word!r}" if word else "the selector ends here"
            message = f"{found}, expected '|', '&' or the ')' for the '(' at position {opened}"
            raise _error(self.text, place, message)
        self.nesting -= 1
        return node

    def peek(self) -> tuple[int, str]:
        return self.words[self.next]

    def take(self, operator: str) -> bool:
        taken = self.words[self.next][1] == operator
        self.next += taken
        return taken


def _words(text: str) -> Iterator[tuple[int, str]]:
    """Operators and terms with their positions from 1; an empty one marks the end."""
    start = 0
    for place, character in enumerate(f"{text} "):
        if character in OPERATORS or character.isspace():
            if start < place:
                yield start + 1, text[start:place]
            if not character.isspace():
                yield place + 1, character
            start = place + 1
    yield len(text) + 1, ""


def _term(text: str, place: int, word: str) -> Term:
    if word == BACKBONE:
        return Term(owner=BACKBONE)
    if word == "heads":
        return Term(head=True)
    if word == ADAPTER:
        return Term(adapter=True)
    if word in PLACES:
        return Term(role=PLACES[word])
    if word.startswith("blocks["):
        return Term(role="block", blocks=_slice(text, place, word))
    if word.startswith("head."):
        return Term(owner=_task(text, place, word), head=True)
    if word.startswith("type:"):
        return Term(kind=_kind(text, place, word))
    if any(mark in word for mark in "*?."):
        return Term(glob=Glob(word))
    close = nearest(word, WORDS)
    hint = f"; did you mean {close!r}?" if close else f", expected {EXPECTED}"
    raise _error(text, place, f"unknown word {word!r}{hint}")


def _slice(text: str, place: int, word: str) -> tuple[int | None, int | None, int | None]:
    expected = f"{word!r} is not a slice of blocks, expected such as blocks[3], blocks[0:6] or blocks[-2:]"
    parts = word.removeprefix("blocks[").removesuffix("]").split(":")
    if not word.endswith("]") or len(parts) > 3 or not all(_is_number(part) for part in parts if part):
        raise _error(text, place, expected)
    numbers = [int(part) if part else None for part in parts]
    if len(numbers) == 1:
        if numbers[0] is None:
            raise _error(text, place, expected)
        return numbers[0], numbers[0] + 1 or None, None
    start, stop, step = (*numbers, None)[:3]
    if step == 0:
        raise _error(text, place, f"{word!r} has step 0, expected another number")
    return start, stop, step


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS


def _task(text: str, place: int, word: str) -> str:
    task = word.removeprefix("head.")
    if not task or any(mark in task for mark in "*?"):
        expected = "expected the name of a task after 'head.'; for weight names write heads.TASK.*"
        raise _error(text, place, f"found {word!r}, {expected}")
    return task


def _kind(text: str, place: int, word: str) -> Kind:
    name = word.removeprefix("type:")
    for kind in KINDS:
        if kind == name:
            return kind
    expected = " or ".join(f"type:{kind}" for kind in KINDS)
    raise _error(text, place, f"found {word!r}, expected {expected}")


def _error(text: str, place: int, message: str) -> ValueError:
    return ValueError(f"selector {text!r}, position {place}: {message}")
