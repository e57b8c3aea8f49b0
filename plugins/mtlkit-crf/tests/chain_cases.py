"""Small chains drawn by Hypothesis, and the same quantities by counting out all sequences of tags."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from math import exp, inf, log

import torch
from attrs import frozen
from hypothesis import strategies as st
from mtlkit_crf.chain import Chain
from torch import Tensor

MISSING = -100


@frozen(eq=False)
class Case:
    """A batch with everything that a chain reads, in float64."""

    chain: Chain
    emissions: Tensor
    lengths: list[int]
    tags: Tensor

    @property
    def alive(self) -> Tensor:
        return torch.arange(self.emissions.shape[1]) < torch.tensor(self.lengths)[:, None]

    def sequences(self, row: int, allowed: Tensor) -> Iterator[tuple[tuple[int, ...], float]]:
        """Every sequence of allowed [W, C] tags of a row, with its score."""
        length = self.lengths[row]
        choices = [[tag for tag in range(allowed.shape[1]) if allowed[word, tag]] for word in range(length)]
        for tags in product(*choices):
            yield tags, self.score(row, tags)

    def score(self, row: int, tags: tuple[int, ...]) -> float:
        if not tags:
            return 0.0
        total = float(self.chain.start[tags[0]])
        total += sum(float(self.emissions[row, word, tag]) for word, tag in enumerate(tags))
        return total + sum(float(self.chain.transitions[before, tag]) for before, tag in pairwise(tags))

    def log_sum(self, row: int, allowed: Tensor) -> float:
        total = sum(exp(score) for _, score in self.sequences(row, allowed))
        return log(total) if total else -inf

    def agreeing(self, row: int) -> Tensor:
        """The tags [W, C] that agree with those that are given."""
        given = self.tags[row].unsqueeze(-1)
        return (given < 0) | (given == torch.arange(self.emissions.shape[2]))


@st.composite
def cases(draw: st.DrawFn, *, forbid: bool = True) -> Case:
    """Up to 3 rows of up to 4 words and 4 tags; some tags missing, some moves forbidden."""
    tags, width = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    lengths = draw(st.lists(st.integers(0, width), min_size=1, max_size=3))
    random = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([0.0, 0.3, 2.0, 10.0]))
    shapes = ((tags,), (tags, tags), (len(lengths), width, tags))
    start, transitions, emissions = (
        torch.randn(shape, generator=random, dtype=torch.float64) * scale for shape in shapes
    )
    if forbid:
        start = start.masked_fill(_bits(draw, tags), -inf)
        transitions = transitions.masked_fill(_bits(draw, tags * tags).view(tags, tags), -inf)
    given = st.one_of(st.just(MISSING), st.integers(0, tags - 1))
    cells = draw(st.lists(given, min_size=len(lengths) * width, max_size=len(lengths) * width))
    return Case(Chain(start, transitions), emissions, lengths, torch.tensor(cells).view(len(lengths), width))


def _bits(draw: st.DrawFn, count: int) -> Tensor:
    """Truth values, a quarter of them true."""
    quarter = st.integers(0, 3).map(lambda number: number == 0)
    return torch.tensor(draw(st.lists(quarter, min_size=count, max_size=count)))
