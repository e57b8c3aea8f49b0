"""Backbones with one plausible mistake each; `Small` is right."""

from typing import Annotated
from zlib import crc32

import numpy as np
import torch
from annotated_types import Ge
from attrs import evolve, frozen
from torch import nn
from torch.nn import functional as F

from mtlkit import Card, Features, option

PADDING, FIRST, LAST, SPECIALS, WORDS = 0, 1, 2, 3, 61
CACHE: dict = {}


@frozen
class Sizes:
    """Sizes of a small encoder."""

    blocks: Annotated[int, Ge(1)] = option("how many blocks", 2)
    limit: Annotated[int, Ge(3)] = option("tokens of a row at most", 12)


@frozen(eq=False)
class Item:
    ids: tuple[int, ...]
    words: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.ids)


@frozen(eq=False)
class Batch:
    ids: torch.Tensor
    mask: torch.Tensor
    words: torch.Tensor

    def to(self, device):
        return Batch(self.ids.to(device), self.mask.to(device), self.words.to(device))


class Block(nn.Module):
    """Mean of the row, mixed into each token."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.own, self.mean = nn.Linear(size, size), nn.Linear(size, size)
        self.norm, self.dropout = nn.LayerNorm(size), nn.Dropout(0.1)

    def forward(self, hidden, mask):
        shares = mask.unsqueeze(-1) / mask.sum(1)[:, None, None]
        mean = hidden.masked_fill(~mask.unsqueeze(-1), 0.0).mul(shares).sum(1, keepdim=True)
        return self.norm(hidden + self.dropout(torch.tanh(self.own(hidden) + self.mean(mean))))


class Small(nn.Module):
    """Hashed words, positions, blocks and a norm at the end."""

    block = Block

    def __init__(self, options: Sizes, pretrained: bool = True) -> None:
        super().__init__()
        self.options, self.hidden_size, self.depth = options, 8, options.blocks
        self.table = nn.Embedding(SPECIALS + WORDS, 8)
        self.positions = nn.Embedding(options.limit, 8)
        self.layer = nn.ModuleList(type(self).block(8) for _ in range(options.blocks))
        self.last = nn.LayerNorm(8)

    def place(self, name):
        part, _, rest = name.partition(".")
        if part == "layer":
            return "block", int(rest.partition(".")[0]) + 1
        return ("final", self.depth + 1) if part == "last" else ("embeddings", 0)

    def prepare(self, rows):
        return [self.item(row) for row in rows]

    def item(self, row):
        listed = len(row) == 1 and isinstance(row[0], list | tuple)
        segments = [list(row[0])] if listed else [str("" if cell is None else cell).split() for cell in row]
        ids, words = [FIRST], [-1]
        for segment in segments:
            for number, word in enumerate(segment):
                ids.append(SPECIALS + crc32(str(word).encode()) % WORDS)
                words.append(number if listed else -1)
            ids.append(LAST)
            words.append(-1)
        return Item(tuple(ids[: self.options.limit]), tuple(words[: self.options.limit]))

    def collate(self, items):
        width = max(map(len, items))
        ids = [[*item.ids, *[PADDING] * (width - len(item))] for item in items]
        words = [[*item.words, *[-1] * (width - len(item))] for item in items]
        mask = [[True] * len(item) + [False] * (width - len(item)) for item in items]
        return Batch(torch.tensor(ids), torch.tensor(mask), torch.tensor(words))

    def forward(self, batch):
        return self.tail(self.stem(batch, 0), batch, 0)

    def embedded(self, batch):
        return self.table(batch.ids) + self.positions(torch.arange(batch.ids.shape[1]))

    def stem(self, batch, depth):
        hidden = self.embedded(batch)
        for block in list(self.layer)[:depth]:
            hidden = block(hidden, batch.mask)
        return hidden

    def tail(self, hidden, batch, depth):
        for block in list(self.layer)[depth:]:
            hidden = block(hidden, batch.mask)
        return Features(self.last(hidden), batch.mask, batch.words)


class NoMask(Small):
    class block(Block):
        def forward(self, hidden, mask):
            return super().forward(hidden, torch.ones_like(mask))


class PositionsFromTheEnd(Small):
    def embedded(self, batch):
        return self.table(batch.ids) + self.positions(torch.arange(batch.ids.shape[1]).flip(0))


class MixesRows(Small):
    class block(Block):
        def forward(self, hidden, mask):
            hidden = super().forward(hidden, mask)
            return hidden - hidden[mask].mean(0)


class DropsTheSecondText(Small):
    def item(self, row):
        return super().item(row[:1])


class SortsThePair(Small):
    def item(self, row):
        return super().item(tuple(sorted(row)) if len(row) == 2 else row)


class AllUnknown(Small):
    def item(self, row):
        made = super().item(row)
        return Item(tuple(min(number, SPECIALS) for number in made.ids), made.words)


class RenumbersWords(Small):
    def item(self, row):
        listed = len(row) == 1 and isinstance(row[0], list | tuple)
        return super().item(([word for word in row[0] if word],) if listed else row)


class OtherSize(Small):
    def __init__(self, options, pretrained=True):
        super().__init__(options, pretrained)
        self.hidden_size = 16


class IntegerMask(Small):
    def collate(self, items):
        batch = super().collate(items)
        return Batch(batch.ids, batch.mask, batch.words.masked_fill(~batch.mask, 0))


class WordsFromOne(Small):
    def item(self, row):
        item = super().item(row)
        return evolve(item, words=tuple(word + (word >= 0) for word in item.words))


class ForgetsOrder(Small):
    def forward(self, batch):
        found = super().forward(batch)
        first = torch.zeros(len(batch.ids), 1, 1)
        first[0] = 0.01
        return evolve(found, tokens=found.tokens + first)


class BlocksFromZero(Small):
    def place(self, name):
        role, depth = super().place(name)
        return (role, depth - 1) if role == "block" else (role, depth)


class FinalIsCalledBlock(Small):
    def place(self, name):
        return "block" if name.startswith("last") else super().place(name)[0], super().place(name)[1]


class FirstDigit(Small):
    def place(self, name):
        role, depth = super().place(name)
        return (role, 1) if name.endswith("norm.bias") and role == "block" else (role, depth)


class AlwaysDropsOut(Small):
    def embedded(self, batch):
        return F.dropout(super().embedded(batch), 0.1)


class RunningMean(Small):
    def __init__(self, options, pretrained=True):
        super().__init__(options, pretrained)
        self.register_buffer("mean", torch.zeros(8))

    def embedded(self, batch):
        hidden = super().embedded(batch)
        with torch.no_grad():
            self.mean.lerp_(hidden.mean((0, 1)).to(self.mean), 0.01)
        return hidden


class EvalInForward(Small):
    def forward(self, batch):
        self.layer[0].eval()
        return super().forward(batch)


class RandomTable(Small):
    def __init__(self, options, pretrained=True):
        super().__init__(options, pretrained)
        self.fixed = torch.randn(8)

    def embedded(self, batch):
        return super().embedded(batch) + self.fixed.to(self.table.weight)


class OwnSeed(Small):
    def __init__(self, options, pretrained=True):
        torch.manual_seed(0)
        super().__init__(options, pretrained)


class NumpyWeights(Small):
    def __init__(self, options, pretrained=True):
        super().__init__(options, pretrained)
        drawn = np.random.normal(size=tuple(self.last.weight.shape))
        with torch.no_grad():
            self.last.weight.copy_(torch.from_numpy(drawn))


class FrozenEmbeddings(Small):
    def embedded(self, batch):
        return super().embedded(batch).detach()


class ForgottenPooler(Small):
    def __init__(self, options, pretrained=True):
        super().__init__(options, pretrained)
        self.pooler = nn.Linear(8, 8)


class NoGradWhereFrozen(Small):
    class block(Block):
        def forward(self, hidden, mask):
            with torch.set_grad_enabled(any(weight.requires_grad for weight in self.parameters())):
                return super().forward(hidden, mask)


class PadsItems(Small):
    def item(self, row):
        item = super().item(row)
        return Item(list(item.ids), list(item.words))

    def collate(self, items):
        width = max(map(len, items))
        for item in items:
            item.words.extend([-1] * (width - len(item)))
            item.ids.extend([PADDING] * (width - len(item)))
        ids = torch.tensor([item.ids for item in items])
        return Batch(ids, ids != PADDING, torch.tensor([item.words for item in items]))


class NoSpecials(Small):
    def item(self, row):
        item = super().item(row)
        kept = [at for at, number in enumerate(item.ids) if number >= SPECIALS]
        return Item(tuple(item.ids[at] for at in kept), tuple(item.words[at] for at in kept))


class CountsWords(Small):
    def item(self, row):
        item = super().item(row)
        return Shorter(item.ids, item.words)


class Shorter(Item):
    def __len__(self) -> int:
        return sum(number >= SPECIALS for number in self.ids)


class PadsLeft(Small):
    def collate(self, items):
        batch = super().collate(items)
        order = torch.argsort(batch.mask.int(), dim=1, stable=True)
        return Batch(*(each.gather(1, order) for each in (batch.ids, batch.mask, batch.words)))


class PadsInPrepare(Small):
    def prepare(self, rows):
        items = super().prepare(rows)
        width = max(map(len, items))
        return [
            Item((*item.ids, *[LAST] * (width - len(item))), (*item.words, *[-1] * (width - len(item))))
            for item in items
        ]


class GrowingVocabulary(Small):
    def item(self, row):
        item = super().item(row)
        known = self.__dict__.setdefault("known", {})
        ids = [
            number if number < SPECIALS else SPECIALS + known.setdefault(number, len(known)) % WORDS
            for number in item.ids
        ]
        return evolve(item, ids=tuple(ids))


class SkipsABlock(Small):
    def tail(self, hidden, batch, depth):
        return super().tail(hidden, batch, depth + (depth > 0))


class NormInTheStem(Small):
    def stem(self, batch, depth):
        return self.last(super().stem(batch, depth))

    def forward(self, batch):
        return Small.tail(self, Small.stem(self, batch, 0), batch, 0)


class ReadsAbove(Small):
    def embedded(self, batch):
        return super().embedded(batch) * (1 + 0.01 * self.layer[-1].norm.weight.mean())


class PaddedStem(Small):
    def stem(self, batch, depth):
        hidden = super().stem(batch, depth)
        return hidden * batch.mask.shape[1]

    def tail(self, hidden, batch, depth):
        return super().tail(hidden / batch.mask.shape[1], batch, depth)


class WeightsOnlyWhenLoaded(Small):
    def __init__(self, options, pretrained=True):
        super().__init__(options, pretrained)
        if pretrained:
            self.scale = nn.Parameter(torch.ones(8))

    def embedded(self, batch):
        return super().embedded(batch) * self.scale


class LooksAtWeights(Small):
    def __init__(self, options, pretrained=True):
        super().__init__(options, pretrained)
        self.largest = self.table.weight.abs().max().item()


class PlainList(Small):
    def __init__(self, options, pretrained=True):
        super().__init__(options, pretrained)
        blocks = list(self.layer)
        del self.layer
        self.__dict__["layer"] = blocks

    def place(self, name):
        return Small.place(self, name)


class KeptTable(Small):
    def __init__(self, options, pretrained=True):
        super().__init__(options, pretrained)
        self.table = CACHE.setdefault(str(self.table.weight.device), self.table)


class Overflows(Small):
    class block(Block):
        def forward(self, hidden, mask):
            scores = self.own(hidden) @ hidden.transpose(1, 2) * mask.unsqueeze(1)
            shares = (scores.half() * 1e4).float().softmax(-1) * 1.0
            return super().forward(hidden + shares @ hidden * 0.0, mask)


class KeepsStates(Small):
    def tail(self, hidden, batch, depth):
        self.found = super().tail(hidden, batch, depth)
        return self.found


class SetsThreads(Small):
    def __init__(self, options, pretrained=True):
        super().__init__(options, pretrained)
        torch.set_num_threads(2)


class PositionsRunOut(Small):
    def item(self, row):
        limited, self.options = self.options, Sizes(limit=10_000)
        try:
            return super().item(row)
        finally:
            self.options = limited


class OneBlock(Small):
    """One block, nothing behind it, no stem and tail, and weights that features never see."""

    stem = tail = None

    def __init__(self, options, pretrained=True):
        super().__init__(options, pretrained)
        self.layer, self.depth = self.layer[:1], 1
        self.last = nn.Identity()
        self.positions.weight.requires_grad_(False)
        self.spare = nn.Linear(8, 8)

    def unused(self):
        return {"spare.weight", "spare.bias"}

    def forward(self, batch):
        return Features(self.layer[0](self.embedded(batch), batch.mask), batch.mask, batch.words)


@frozen
class Grid:
    """Lists of numbers instead of texts."""

    size: int = option("size of the hidden states", 6)

    def examples(self, count, rng, folder):
        return [([rng.random() for _ in range(rng.randint(1, 5))],) for _ in range(count)]


class NumbersBackbone(Small):
    """Reads numbers; no blocks at all, batch normalisation, half of it tied."""

    stem = tail = None

    def __init__(self, options, pretrained=True):
        nn.Module.__init__(self)
        self.hidden_size, self.depth = 6, 0
        self.up = nn.Linear(1, 6)
        self.across = nn.Linear(6, 6)
        self.back = nn.Linear(6, 6)
        self.back.weight = self.across.weight
        self.norm = nn.BatchNorm1d(6)

    def place(self, name):
        return ("final", 1) if name.startswith("norm") else ("embeddings", 0)

    def item(self, row):
        return Item(tuple(row[0]), (-1,) * len(row[0]))

    def forward(self, batch):
        numbers = batch.ids.to(self.up.weight).unsqueeze(-1)
        hidden = self.back(torch.tanh(self.across(self.up(numbers))))
        return Features(self.norm(hidden.transpose(1, 2)).transpose(1, 2), batch.mask, batch.words)


@frozen
class Loaded:
    """A folder with weights."""

    blocks: Annotated[int, Ge(1)] = option("how many blocks", 1)


class LoadedBackbone(Small):
    """Weights that come from elsewhere: no seed has a say."""

    def __init__(self, options, pretrained=True):
        super().__init__(Sizes(blocks=options.blocks), pretrained)
        if pretrained:
            generator = torch.Generator().manual_seed(5)
            with torch.no_grad():
                for weight in self.parameters():
                    weight.copy_(torch.randn(weight.shape, generator=generator))


class NeverTrains(Small):
    """Stays in eval mode, for the good of its numbers."""

    def train(self, mode: bool = True):
        return super().train(mode=False)


class BlocksRest(Small):
    """Its blocks stay in eval mode, dropout and all."""

    def train(self, mode: bool = True):
        super().train(mode)
        self.layer.eval()
        return self


class OneTextOfTwo(Small):
    """So narrow that words are hard to tell apart, and the second text is dropped."""

    def __init__(self, options: Sizes, pretrained: bool = True) -> None:
        super().__init__(options, pretrained)
        self.hidden_size = 2
        self.table, self.positions = nn.Embedding(SPECIALS + WORDS, 2), nn.Embedding(options.limit, 2)
        self.layer = nn.ModuleList(Block(2) for _ in range(options.blocks))
        self.last = nn.LayerNorm(2)

    def prepare(self, rows):
        return super().prepare([row[:1] for row in rows])


def card(build, options=Sizes) -> Card:
    return Card("backbone", build.__name__, "under test", options, build)


def _of(law: str, *builders) -> list[tuple[Card, str]]:
    return [(card(each), law) for each in builders]


MUTANTS: tuple[tuple[Card, str], ...] = (
    *_of("B1", OtherSize, IntegerMask, WordsFromOne, NoSpecials),
    *_of("B2", NoMask, PositionsFromTheEnd),
    *_of("B3", ForgetsOrder),
    *_of("B7", NeverTrains, BlocksRest),
    (card(OneTextOfTwo), "B29"),
    *_of("B4", MixesRows),
    *_of("B5", BlocksFromZero, FinalIsCalledBlock, FirstDigit),
    *_of("B6", AlwaysDropsOut, RunningMean, EvalInForward),
    *_of("B8", RandomTable),
    *_of("B9", OwnSeed, NumpyWeights),
    *_of("B10", FrozenEmbeddings, ForgottenPooler),
    *_of("B11", NoGradWhereFrozen),
    *_of("B14", PadsItems),
    *_of("B15", PositionsRunOut, RenumbersWords),
    *_of("B29", DropsTheSecondText, SortsThePair, AllUnknown),
    *_of("B16", CountsWords),
    *_of("B17", PadsLeft),
    *_of("B18", PadsInPrepare, GrowingVocabulary),
    *_of("B19", SkipsABlock, NormInTheStem, ReadsAbove),
    *_of("B20", PaddedStem),
    *_of("B21", WeightsOnlyWhenLoaded, LooksAtWeights),
    *_of("B22", PlainList, KeptTable),
    *_of("B23", Overflows),
    *_of("B24", KeepsStates),
    *_of("G12", SetsThreads),
)
UNUSUAL: tuple[Card, ...] = (
    card(Small),
    card(OneBlock),
    card(NumbersBackbone, Grid),
    card(LoadedBackbone, Loaded),
)
