"""The BIO scheme (IOB2; Ramshaw & Marcus 1995, Tjong Kim Sang & Veenstra 1999): what may follow what.

A tag is `B-TYPE` at the first word of an entity, `I-TYPE` at its other words, `O` outside; `B` and `I`
stand alone where there is only one type. Tags of any other form may stand anywhere.
"""

from collections.abc import Sequence

OUTSIDE = "O"


def is_inside(tag: str) -> bool:
    """Whether a tag says that an entity goes on."""
    return tag == "I" or tag.startswith("I-")


def starts_of(tag: str) -> tuple[str, str]:
    """The tags that an inside tag may follow."""
    return f"B{tag[1:]}", tag


def follows(before: str | None, tag: str) -> bool:
    """Whether a tag may come after another one, or first in a row where that is None."""
    return not is_inside(tag) or before in starts_of(tag)


def without_begin(names: Sequence[str]) -> list[str]:
    """The inside tags among `names` that could never occur, because their `B` tag is missing."""
    return [name for name in names if is_inside(name) and starts_of(name)[0] not in names]


def first_break(tags: Sequence[str | None]) -> int | None:
    """The place of the first tag that no choice of the missing tags (None) makes right; None where all fit.

    A missing tag before `I-X` can always be `B-X`, which may stand anywhere; so only neighbours that are
    both there, and the first word, can break the scheme.
    """
    for place, tag in enumerate(tags):
        before = tags[place - 1] if place else None
        unknown = place > 0 and before is None
        if tag is not None and not unknown and not follows(before, tag):
            return place
    return None
