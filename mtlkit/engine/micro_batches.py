"""The parts of a step: so many as the recipe says, and more where a part would have too many tokens."""

from collections.abc import Mapping, Sequence

from mtlkit.engine.session import TRAIN, Session

Positions = Mapping[str, Sequence[int]]
Part = dict[str, Sequence[int]]


def parts_of_step(session: Session, positions: Positions) -> list[Part]:
    """The rows of each micro-batch by source, all rows of the step once."""
    training = session.plan.training
    parts = micro_batches(positions, training.accumulate)
    if training.max_tokens is None:
        return parts
    lengths = {
        readers.source: readers.encodings(session.encoder, TRAIN)
        for readers in session.readers
        if readers.source in positions
    }
    return [
        {name: [part[name][at] for at in places] for name, places in chosen.items()}
        for part in parts
        for chosen in within(
            {
                name: [tuple(view[row] for view in lengths[name]) for row in rows]
                for name, rows in part.items()
            },
            training.max_tokens,
        )
    ]


def micro_batches(positions: Positions, accumulate: int) -> list[Part]:
    """Each source's rows in `accumulate` runs of near equal length; empty ones left out."""
    micros: list[Part] = [{} for _ in range(accumulate)]
    for name, rows in positions.items():
        for number, micro in enumerate(micros):
            start, end = (len(rows) * at // accumulate for at in (number, number + 1))
            if end > start:
                micro[name] = rows[start:end]
    return [micro for micro in micros if micro]


def within(lengths: Mapping[str, Sequence[tuple[int, ...]]], most: int) -> list[dict[str, list[int]]]:
    """The places of each source's rows, 0…n-1, in parts of at most `most` tokens, padding included.

    `lengths` are in tokens, one for each time that the row is encoded. A row of more tokens is a part of its
    own. A function of the lengths alone; where all rows fit, they are one part in their order.
    """
    parts: list[dict[str, list[int]]] = []
    room: list[int] = []
    for name, rows in lengths.items():
        for chunk in _chunks(rows, most):
            needed = _padded([rows[at] for at in chunk])
            fits = (at for at, free in enumerate(room) if name not in parts[at] and needed <= free)
            at = next(fits, len(parts))
            if at == len(parts):
                parts.append({})
                room.append(most)
            parts[at][name] = sorted(chunk)
            room[at] -= needed
    return parts


def _chunks(rows: Sequence[tuple[int, ...]], most: int) -> list[list[int]]:
    """The rows, those of like length together, in chunks that are as large as they may be."""
    chunks: list[list[int]] = []
    longest: tuple[int, ...] = ()
    for at in sorted(range(len(rows)), key=lambda place: -sum(rows[place])):
        grown = tuple(map(max, longest, rows[at])) if chunks else rows[at]
        if not chunks or (len(chunks[-1]) + 1) * sum(grown) > most:
            chunks.append([])
            grown = rows[at]
        chunks[-1].append(at)
        longest = grown
    return chunks


def _padded(rows: Sequence[tuple[int, ...]]) -> int:
    """The tokens of rows that are padded to the longest, in each of their encodings."""
    widest: list[int] = [max(lengths) for lengths in zip(*rows, strict=True)]
    return len(rows) * sum(widest)
