"""Which known word was meant by one that is not known, in bounded time.

`difflib` compares two words in time that grows with the product of their lengths, and a stranger may have
written both of them, thousands of times. So it is asked about the likeliest words only, as many of them as
a fixed amount of work allows; for words and choices of usual length and number that is all of them.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

LONGEST = 64
MOST = 400
WORK = 4_000


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that is most like this one, None where none is like it by at least `cutoff` (0 to 1)."""
    word = word[:LONGEST]
    names = list(dict.fromkeys(known))
    if len(word) * sum(map(len, names)) > WORK:
        names = _likeliest(word, names)
    close = get_close_matches(word, names, n=1, cutoff=cutoff)
    return close[0] if close else None


def _likeliest(word: str, names: list[str]) -> list[str]:
    """Those that share most pairs of letters, until comparing them would be more work than is allowed."""
    names = [name for name in names if len(name) <= 2 * LONGEST]
    if len(names) > MOST:
        names = sorted(names, key=lambda name: name[:1].lower() != word[:1].lower())[:MOST]
    ours = _pairs(word)
    chosen: list[str] = []
    work = 0
    for name in sorted(names, key=lambda name: -len(ours & _pairs(name))):
        work += len(word) * len(name)
        if chosen and work > WORK:
            break
        chosen.append(name)
    return chosen


@lru_cache(maxsize=4096)
def _pairs(word: str) -> frozenset[str]:
    word = f" {word.lower()} "
    return frozenset(word[at : at + 2] for at in range(len(word) - 1))
