"""Backbones that show their layers and say where tokens are, with one plausible mistake each."""

from contextlib import contextmanager

import torch
from attrs import frozen
from torch import nn

from mtlkit import Features
from mtlkit.contracts.backbone import Vocabulary
from tests.mutants.backbone import FIRST, LAST, PADDING, SPECIALS, WORDS, Item, Small, card


@frozen(eq=False)
class Placed(Item):
    texts: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]


@frozen(eq=False)
class PlacedBatch:
    ids: torch.Tensor
    mask: torch.Tensor
    words: torch.Tensor
    texts: torch.Tensor
    spans: torch.Tensor

    def to(self, device):
        return self


class Telling(Small):
    """Right in all that a backbone may say."""

    def __init__(self, options, pretrained=True):
        super().__init__(options, pretrained)
        self.kept, self.wanted = {}, ()

    @contextmanager
    def keep(self, depths):
        self.kept, self.wanted = {}, tuple(depths)
        try:
            yield self.kept
        finally:
            self.kept, self.wanted = {}, ()

    def show(self, depth, hidden):
        if depth in self.wanted:
            self.kept[depth] = hidden

    def tail(self, hidden, batch, depth):
        self.show(depth, hidden)
        for number, block in list(enumerate(self.layer, 1))[depth:]:
            hidden = block(hidden, batch.mask)
            self.show(number, hidden)
        return Features(self.last(hidden), batch.mask, batch.words)

    def vocabulary(self):
        special = frozenset((PADDING, FIRST, LAST))
        return Vocabulary(SPECIALS + WORDS, PADDING, special, None, self.table.weight)

    def tokens(self, ids):
        return [f"w{number}" for number in ids]

    def locate(self, rows):
        return [self.placed(item, row) for item, row in zip(self.prepare(rows), rows, strict=True)]

    def placed(self, item, row):
        places = [(-1, (0, 0))]
        listed = len(row) == 1 and isinstance(row[0], list | tuple)
        for number, cell in enumerate(row):
            spans = [(0, len(str(word))) for word in cell] if listed else self.spans(str(cell or ""))
            places += [*((number, span) for span in spans), (-1, (0, 0))]
        texts, spans = zip(*places[: len(item)], strict=True)
        return Placed(item.ids, item.words, texts, spans)

    def spans(self, text):
        found, at = [], 0
        for word in text.split():
            at = text.index(word, at)
            found.append((at, at + len(word)))
            at += len(word)
        return found

    def collate(self, items):
        plain = super().collate(items)
        if not all(isinstance(item, Placed) for item in items):
            return plain
        width = plain.mask.shape[1]
        texts = [[*item.texts, *[-1] * (width - len(item))] for item in items]
        spans = [[*item.spans, *[(0, 0)] * (width - len(item))] for item in items]
        return PlacedBatch(plain.ids, plain.mask, plain.words, torch.tensor(texts), torch.tensor(spans))


class InputsForOutputs(Telling):
    def show(self, depth, hidden):
        if depth + 1 in self.wanted:
            self.kept[depth + 1] = hidden
        super().show(0 if depth == 0 else -1, hidden)


class Detached(Telling):
    def show(self, depth, hidden):
        super().show(depth, hidden.detach())


class KeepsAll(Telling):
    def show(self, depth, hidden):
        self.kept[depth] = hidden


class NormedLast(Telling):
    def show(self, depth, hidden):
        super().show(depth, self.last(hidden) if depth == self.depth else hidden)


class OneDictionary(Telling):
    @contextmanager
    def keep(self, depths):
        self.wanted = tuple(depths)
        for depth in list(self.kept):
            del self.kept[depth]
        yield self.kept
        self.wanted = ()


class LeavesHooks(Telling):
    """Hooks that are removed only where all went well."""

    @contextmanager
    def keep(self, depths):
        kept = {}
        hooks = []
        if 0 in depths:
            hooks.append(self.layer[0].register_forward_pre_hook(lambda _, args: kept.update({0: args[0]})))
        for depth in depths:
            if depth:
                put = lambda _, args, output, depth=depth: kept.update({depth: output})  # noqa: E731
                hooks.append(self.layer[depth - 1].register_forward_hook(put))
        yield kept
        for hook in hooks:
            hook.remove()


class KeepsTheLast(Telling):
    @contextmanager
    def keep(self, depths):
        self.kept, self.wanted = {}, tuple(depths)
        try:
            yield self.kept
        finally:
            self.wanted = ()


class FirstAlone(Telling):
    """Right: all but the first tokens is left out where the last norm begins."""

    def __init__(self, options, pretrained=True):
        super().__init__(options, pretrained)
        self.first = False

    @contextmanager
    def first_alone(self):
        self.first = True
        try:
            yield
        finally:
            self.first = False

    def tail(self, hidden, batch, depth):
        found = super().tail(hidden, batch, depth)
        return self.cut(found) if self.first else found

    def cut(self, found):
        return Features(found.tokens[:, :1], found.mask[:, :1], found.words[:, :1])


class MeanForFirst(FirstAlone):
    def cut(self, found):
        mask = found.mask[..., None]
        mean = found.tokens.masked_fill(~mask, 0.0).sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(
            min=1
        )
        return Features(mean, found.mask[:, :1], found.words[:, :1])


class SecondForFirst(FirstAlone):
    def cut(self, found):
        return Features(found.tokens[:, 1:2], found.mask[:, 1:2], found.words[:, 1:2])


class FirstDetached(FirstAlone):
    def cut(self, found):
        return Features(found.tokens[:, :1].detach(), found.mask[:, :1], found.words[:, :1])


class MaskOfAll(FirstAlone):
    def cut(self, found):
        return Features(found.tokens[:, :1], found.mask, found.words)


class FirstForGood(FirstAlone):
    @contextmanager
    def first_alone(self):
        self.first = True
        yield
        self.first = False


class FirstSeesNothing(FirstAlone):
    """The last block is given the first token and nothing to look at."""

    def tail(self, hidden, batch, depth):
        if not self.first or depth == self.depth:
            return super().tail(hidden, batch, depth)
        for block in list(self.layer)[depth:-1]:
            hidden = block(hidden, batch.mask)
        hidden = self.layer[-1](hidden[:, :1], batch.mask[:, :1])
        return Features(self.last(hidden), batch.mask[:, :1], batch.words[:, :1])


class FirstStem(FirstAlone):
    def stem(self, batch, depth):
        hidden = super().stem(batch, depth)
        return hidden[:, :1].expand_as(hidden) if self.first and depth == self.depth else hidden


class CopiedTable(Telling):
    def vocabulary(self):
        found = super().vocabulary()
        return Vocabulary(found.size, found.padding, found.special, None, nn.Parameter(found.table.clone()))


class WrongSize(Telling):
    def vocabulary(self):
        found = super().vocabulary()
        return Vocabulary(WORDS, found.padding, found.special, None, found.table)


class OtherPadding(Telling):
    def vocabulary(self):
        found = super().vocabulary()
        return Vocabulary(found.size, LAST, found.special, None, found.table)


class WrongTable(Telling):
    def __init__(self, options, pretrained=True):
        super().__init__(options, pretrained)
        self.other = nn.Embedding(SPECIALS + WORDS, 8)

    def unused(self):
        return ("other.weight",)

    def vocabulary(self):
        found = super().vocabulary()
        return Vocabulary(found.size, found.padding, found.special, None, self.other.weight)


class SpansInTokens(Telling):
    def spans(self, text):
        return [(at, at + 1) for at, _ in enumerate(text.split())]


class SpansOfThePair(Telling):
    def placed(self, item, row):
        found = super().placed(item, row)
        if len(row) != 2:
            return found
        first = len(str(row[0] or "")) + 1
        spans = [
            (begin + first, end + first) if text == 1 else (begin, end)
            for text, (begin, end) in zip(found.texts, found.spans, strict=True)
        ]
        return Placed(found.ids, found.words, found.texts, tuple(spans))


class ShiftedSpans(Telling):
    def spans(self, text):
        return [(max(begin - 1, 0), end - 1) for begin, end in super().spans(text)]


class TextsCountedFromOne(Telling):
    def placed(self, item, row):
        found = super().placed(item, row)
        texts = tuple(text + 1 if text >= 0 else -1 for text in found.texts)
        return Placed(found.ids, found.words, texts, found.spans)


class BytesForLetters(Telling):
    def spans(self, text):
        return [(len(text[:begin].encode()), len(text[:end].encode())) for begin, end in super().spans(text)]


def _of(law, *builders):
    return [(card(each), law) for each in builders]


UNUSUAL = (card(Telling), card(FirstAlone))
MUTANTS = (
    *_of("B25", InputsForOutputs, Detached, KeepsAll, NormedLast),
    *_of("B26", OneDictionary, LeavesHooks, KeepsTheLast),
    *_of(
        "B30",
        MeanForFirst,
        SecondForFirst,
        FirstDetached,
        MaskOfAll,
        FirstForGood,
        FirstSeesNothing,
        FirstStem,
    ),
    *_of("B27", CopiedTable, WrongSize, OtherPadding, WrongTable),
    *_of("B28", SpansInTokens, SpansOfThePair, ShiftedSpans, TextsCountedFromOne, BytesForLetters),
)
