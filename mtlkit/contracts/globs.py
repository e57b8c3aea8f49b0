"""Globs over weight names: `*` is any run of characters, `?` is one; anchored at both ends."""

from attrs import Factory, field, frozen


@frozen
class Glob:
    """A pattern for whole names; characters other than `*` and `?` stand for themselves.

    A match takes at most len(name)·len(pattern) comparisons: what stands between two stars is placed
    as far left as it fits and never moved again.
    """

    pattern: str
    _pieces: "tuple[_Piece, ...]" = field(
        init=False, repr=False, eq=False, default=Factory(lambda glob: _pieces(glob.pattern), takes_self=True)
    )
    _ends: tuple[str, str] = field(
        init=False, repr=False, eq=False, default=Factory(lambda glob: _ends(glob.pattern), takes_self=True)
    )

    def matches(self, name: str) -> bool:
        """Whether the pattern describes the whole name."""
        start_text, end_text = self._ends
        if not (name.startswith(start_text) and name.endswith(end_text)):
            return False  # what settles most names, and fast
        pieces = self._pieces
        first, last = pieces[0], pieces[-1]
        if len(pieces) == 1:
            return len(name) == first.length and first.fits(name, 0)
        start, stop = first.length, len(name) - last.length
        if start > stop or not first.fits(name, 0) or not last.fits(name, stop):
            return False
        for piece in pieces[1:-1]:
            place = piece.find(name, start, stop)
            if place < 0:
                return False
            start = place + piece.length
        return True


@frozen
class _Piece:
    """What stands between two stars: runs of literal text at their offsets, `?` in the gaps."""

    length: int
    runs: tuple[tuple[int, str], ...]

    def fits(self, name: str, place: int) -> bool:
        return all(name.startswith(run, place + offset) for offset, run in self.runs)

    def find(self, name: str, start: int, stop: int) -> int:
        """The leftmost place between start and stop where the piece fits, or -1."""
        last = stop - self.length
        if not self.runs:
            return start if start <= last else -1
        offset, run = self.runs[0]
        place = start
        while place <= last:
            place = name.find(run, place + offset, stop) - offset
            if place < start or place > last:
                return -1
            if self.fits(name, place):
                return place
            place += 1
        return -1


def _pieces(pattern: str) -> tuple[_Piece, ...]:
    pieces = []
    for text in pattern.split("*"):
        runs = []
        offset = 0
        for run in text.split("?"):
            if run:
                runs.append((offset, run))
            offset += len(run) + 1
        pieces.append(_Piece(len(text), tuple(runs)))
    return tuple(pieces)


def _ends(pattern: str) -> tuple[str, str]:
    literal = pattern.replace("?", "*").split("*")
    return literal[0], literal[-1]
