"""The tag schemes BIO and BIOES: which tags may follow which; light, without torch.

A tag is `B-TYPE` at the first word of an entity, `I-TYPE` at its other words, `O` outside (Ramshaw & Marcus
1995; Tjong Kim Sang & Veenstra 1999). In BIOES the last word is `E-TYPE`, and an entity of one word
`S-TYPE`. The prefixes stand alone where there is one type only. Tags of any other form may stand anywhere.
"""

from collections.abc import Sequence
from typing import Literal

Scheme = Literal["none", "bio", "bioes"]
_GOES_ON = {"bio": "I", "bioes": "IE"}


def follows(before: str | None, tag: str | None, scheme: Scheme) -> bool:
    """Whether a tag may come after another; None is what stands before the first and after the last word."""
    if scheme == "none":
        return True
    opened, goes_on = _kind(before, "BI"), _kind(tag, _GOES_ON[scheme])
    if goes_on is not None:
        return opened == goes_on
    # In BIO an entity may end after any of its words, in BIOES only with E or S.
    return scheme == "bio" or opened is None


def impossible(names: Sequence[str], scheme: Scheme) -> list[tuple[str, str]]:
    """The tags that can stand in no sequence, each with one whose absence is the reason."""
    if scheme == "none":
        return []
    wanted = {"bio": {"I": "B"}, "bioes": {"I": "BE", "B": "E", "E": "B"}}[scheme]
    return [
        (name, needed + name[1:])
        for name in names
        if name[:1] in wanted and name[1:2] in ("", "-")
        for needed in wanted[name[0]]
        if needed + name[1:] not in names
    ]


def lone(names: Sequence[str], scheme: Scheme) -> list[str]:
    """The tags that a row of one word may have."""
    return [name for name in names if follows(None, name, scheme) and follows(name, None, scheme)]


def _kind(tag: str | None, prefixes: str) -> str | None:
    """The type of a tag with one of these prefixes, "" where the prefix stands alone; else None."""
    if tag is None or tag[:1] not in prefixes or not tag or tag[1:2] not in ("", "-"):
        return None
    return tag[2:]
