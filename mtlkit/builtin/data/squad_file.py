"""Files of SQuAD, one article after the other: the list of articles is never whole in memory."""

from collections.abc import Generator, Iterator, Mapping
from json import JSONDecodeError
from json.decoder import WHITESPACE  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any

from attrs import frozen

from mtlkit.builtin.data.files import text
from mtlkit.builtin.data.json_text import DECODER
from mtlkit.errors import DataError, Problem

SHAPE = 'a file is {"data": [{"title": ..., "paragraphs": [{"context": ..., "qas": [...]}]}]}'


@frozen
class Article:
    """One article: where it stands in the list, the line it begins on, and its paragraphs."""

    place: str
    line: int
    title: Any
    paragraphs: tuple[Any, ...]


@frozen
class Passage:
    """A paragraph's text and the questions about it, unread."""

    place: str
    text: str
    questions: tuple[Any, ...]


def articles(path: Path) -> Iterator[Article]:
    """The articles of a file.

    Raises:
        ResourceError: when the file can't be read.
        DataError: naming file and line, when it is not JSON of this form, or not UTF-8.
    """
    whole = text(path, ("utf-8",))
    counted, line = 0, 1
    try:
        for number, (at, value) in enumerate(_elements(whole, "data")):
            line += whole.count("\n", counted, at)
            counted = at
            place = f"data[{number}]"
            fields = _fields(value, place, "paragraphs", path, line)
            yield Article(place, line, fields.get("title"), tuple(fields["paragraphs"]))
    except JSONDecodeError as error:
        message = f"is not JSON: {error.msg}"
        problem = Problem(message, SHAPE, file=str(path), line=error.lineno, column=error.colno)
        raise DataError(problem) from error
    except (ValueError, RecursionError) as error:
        raise DataError(Problem(f"is not usable JSON: {error}", SHAPE, file=str(path), line=line)) from error


def passages_of(article: Article, path: Path) -> Iterator[Passage]:
    """The paragraphs of an article.

    Raises:
        DataError: when one has no text or no list of questions.
    """
    for number, paragraph in enumerate(article.paragraphs):
        place = f"{article.place}.paragraphs[{number}]"
        fields = _fields(paragraph, place, "qas", path, article.line)
        if not isinstance(fields.get("context"), str):
            raise DataError(
                Problem(f"{place} has no text 'context'", SHAPE, file=str(path), line=article.line)
            )
        yield Passage(place, fields["context"], tuple(fields["qas"]))


def _fields(value: Any, place: str, key: str, path: Path, line: int) -> Mapping[str, Any]:  # noqa: ANN401
    if not isinstance(value, dict) or not isinstance(value.get(key), list):
        raise DataError(Problem(f"{place} has no list {key!r}", SHAPE, file=str(path), line=line))
    return value


def _elements(whole: str, key: str) -> Iterator[tuple[int, Any]]:
    """Place and value of each element of the list under a key of the object that a text is.

    Raises:
        JSONDecodeError: when the text is not JSON.
        ValueError: when it names a key twice, or has no such list.
    """
    at = _after(whole, 0, "{")
    seen: set[str] = set()
    listed = False
    while whole[at : at + 1] != "}":
        if seen:
            at = _after(whole, at, ",")
        if whole[at : at + 1] != '"':
            raise JSONDecodeError("Expecting property name enclosed in double quotes", whole, at)
        name, at = DECODER.raw_decode(whole, at)
        if name in seen:
            raise ValueError(f"the key {name!r} is there twice")
        seen.add(name)
        at = _after(whole, at, ":")
        if name == key and whole[at : at + 1] == "[":
            listed = True
            at = yield from _items(whole, at)
        else:
            _, at = DECODER.raw_decode(whole, at)
        at = _white(whole, at)
    end = _white(whole, at + 1)
    if end != len(whole):
        raise JSONDecodeError("Extra data", whole, end)
    if not listed:
        raise ValueError(f"it has no list {key!r}")


def _items(whole: str, at: int) -> Generator[tuple[int, Any], None, int]:
    """Place and value of each element of the list that begins at a place; returns the place after it."""
    at = _after(whole, at, "[")
    first = True
    while whole[at : at + 1] != "]":
        at = at if first else _after(whole, at, ",")
        first = False
        value, after = DECODER.raw_decode(whole, at)
        yield at, value
        at = _white(whole, after)
    return at + 1


def _after(whole: str, at: int, wanted: str) -> int:
    """The place of what follows a character that must be there, white space left out."""
    at = _white(whole, at)
    if whole[at : at + 1] != wanted:
        raise JSONDecodeError(f"Expecting {wanted!r}", whole, at)
    return _white(whole, at + 1)


def _white(whole: str, at: int) -> int:
    return int(WHITESPACE.match(whole, at).end())
