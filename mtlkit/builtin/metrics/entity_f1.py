"""Entity F1: an entity counts where its first word, its last word and its type are all right.

Spans are read as conlleval and seqeval's default mode do, from the prefixes B, I, E and S; `strict` as
seqeval's strict mode does, which forgives nothing: an entity begins with B (or is S) and ends as it should.
Shapes: N sentences of an evaluation set. Records [N, 3] are a sentence's right, predicted and gold entities.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from mtlkit.builtin.metrics.measured import measured
from mtlkit.builtin.metrics.spans import set_f1, set_records
from mtlkit.contracts.head import Measure

OUTSIDE = "O"
Span = tuple[str, int, int]


def entity_f1(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str | None]]) -> Measure:
    """Micro F1 over exact entities; 0 where there is no entity at all.

    Words of missing tag count as outside.
    """
    mine, theirs = map(spans, predicted), [spans([tag or OUTSIDE for tag in wanted]) for wanted in gold]
    return measured("entity-f1", set_records([*mine], theirs), set_f1)


def entity_f1_strict(
    predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str | None]], names: Iterable[str] = ()
) -> Measure:
    """The same of strict entities.

    Tags are read as IOBES where some tag begins with E or S, else as IOB2; tags are those of `names`, the
    predicted and the gold ones. Of tags without such prefixes no entity is read.
    """
    wanted = [[tag or OUTSIDE for tag in tags] for tags in gold]
    ends = any(tag[:2] in ("E-", "S-") for tag in chain(names, *predicted, *wanted))
    mine = [strict_spans(tags, ends=ends) for tags in predicted]
    theirs = [strict_spans(tags, ends=ends) for tags in wanted]
    return measured("entity-f1-strict", set_records(mine, theirs), set_f1)


def spans(tags: Sequence[str]) -> set[Span]:
    """The entities of one sentence as (type, first word, last word)."""
    found: set[Span] = set()
    start, open_type, before = 0, None, OUTSIDE
    for place, tag in enumerate([*tags, OUTSIDE]):
        prefix, _, kind = tag.partition("-")
        begins = prefix in ("B", "S") or before in ("E", "S", OUTSIDE) or kind != open_type
        if open_type is not None and (prefix == OUTSIDE or begins):
            found.add((open_type, start, place - 1))
            open_type = None
        if prefix != OUTSIDE and begins:
            start, open_type = place, kind
        before = prefix
    return found


def strict_spans(tags: Sequence[str], *, ends: bool) -> set[Span]:
    """The well-formed entities of one sentence: B I* in IOB2, S or B I* E where `ends` asks for IOBES."""
    found: set[Span] = set()
    open_at: int | None = None
    open_type = ""
    for place, tag in enumerate([*tags, OUTSIDE]):
        prefix, _, kind = tag.partition("-")
        goes_on = open_at is not None and kind == open_type and prefix in (("I", "E") if ends else ("I",))
        if open_at is not None and not goes_on:
            if not ends:
                found.add((open_type, open_at, place - 1))
            open_at = None
        if goes_on and prefix == "E":
            found.add((open_type, open_at or 0, place))
            open_at = None
        if prefix == "S" and ends:
            found.add((kind, place, place))
        elif prefix == "B":
            open_at, open_type = place, kind
    return found
