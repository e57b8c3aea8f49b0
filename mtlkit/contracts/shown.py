"""Texts of others, as people are shown them: none steers a terminal, turns letters or begins a line."""

from collections.abc import Iterable


def printable(text: str) -> str:
    """The text with every character spelt out that is no letter, digit, sign or space; line ends stay.

    Spelt out are escapes and other control characters, marks that turn the direction of reading, characters
    without width, and halves of surrogate pairs, which stand for bytes of a file's name that are no UTF-8.
    """
    if all(each.isprintable() or each == "\n" for each in text):
        return text
    return "".join(each if each.isprintable() or each == "\n" else repr(each)[1:-1] for each in text)


def one_line(text: str) -> str:
    """The same without line ends, which are spelt out too."""
    return printable(text).replace("\n", "\\n")


def in_lines(lines: Iterable[str]) -> str:
    """Lines as one text of as many lines, whatever is in them."""
    return "\n".join(map(one_line, lines))
