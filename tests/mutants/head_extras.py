"""Heads with layers, inputs, corruption, fits and more, with one plausible mistake each."""

import attrs
import numpy as np
import torch
from attrs import frozen
from torch import nn
from torch.nn import functional as F

from mtlkit import LossTerm, Measure, RecipeError, option
from tests.mutants.head import MISSING, Classes, ClassifierHead, card, is_missing


class MixingHead(ClassifierHead):
    """A learned mixture of all layers, averaged over tokens (as in Peters et al. 2018)."""

    needs = "tokens"

    def __init__(self, options, context):
        super().__init__(options, context)
        self.layers = tuple(range(context.depth + 1))
        self.shares = nn.Parameter(torch.zeros(context.depth + 1))

    def states(self, view):
        mask = ~view.mask.unsqueeze(-1)
        return [view.layers[depth].masked_fill(mask, 0.0) for depth in self.layers]

    def vector(self, view):
        shares = self.shares.softmax(0)
        mixed = sum(share * each for share, each in zip(shares, self.states(view), strict=True))
        return mixed.sum(1) / view.mask.unsqueeze(-1).sum(1).clamp(min=1)


class AllLayersThatAreThere(MixingHead):
    def states(self, view):
        return list(view.layers.values())[: len(self.layers)]


class OneLayerTooMany(MixingHead):
    def __init__(self, options, context):
        super().__init__(options, context)
        self.layers = tuple(range(1, context.depth + 2))


class TwelveLayers(ClassifierHead):
    """Fine for the backbone of its author."""

    needs = "tokens"

    def __init__(self, options, context):
        super().__init__(options, context)
        self.layers = (1, 3)

    def vector(self, view):
        inside = view.mask.unsqueeze(-1)
        found = view.layers[3].masked_fill(~inside, 0.0).sum(1) / inside.sum(1).clamp(min=1)
        return found + view.layers[1][:, 0]


class MixesPadding(MixingHead):
    def vector(self, view):
        return sum(view.layers[depth] for depth in self.layers).mean(1)


@frozen
class Marked:
    """A class for one word of a list."""

    tokens: str = option("column of the words", "tokens")
    place: str = option("column of the word's number", "place")
    label: str = option("column of the class", "sense")

    def columns(self):
        return {"tokens": self.tokens, "place": self.place, "label": self.label}

    def metrics(self):
        return ("accuracy",)

    def examples(self, count, rng):
        rows = []
        for _ in range(count):
            words = [rng.choice(("bank", "river", "money", "the")) for _ in range(rng.randint(1, 5))]
            sense = rng.choice(("Water", "money"))
            rows.append({self.tokens: words, self.place: rng.randrange(len(words)), self.label: sense})
        return rows


@frozen(eq=False)
class Places:
    numbers: torch.Tensor

    def to(self, device):
        return Places(self.numbers.to(device))


class MarkedHead(ClassifierHead):
    """Classifies the word at a place that the row tells."""

    needs = "tokens"

    def __init__(self, options, context):
        nn.Module.__init__(self)
        self.options, self.labels = options, context.labels
        self.views = ((options.tokens,),)
        self.line = nn.Linear(context.hidden_size, len(context.labels))

    def inputs(self, rows):
        return Places(torch.tensor([row[self.options.place] for row in rows], dtype=torch.long))

    def forward(self, features, inputs):
        view = features[0]
        own = (view.words == inputs.numbers.unsqueeze(1)) & view.mask
        tokens = view.tokens.masked_fill(~view.mask.unsqueeze(-1), 0.0)
        return self.line(own.to(tokens).unsqueeze(1).matmul(tokens)[:, 0])


class LabelAmongInputs(MarkedHead):
    def inputs(self, rows):
        labels = [row.get(self.options.label) for row in rows]
        known = [label is not None and label == self.labels[0] for label in labels]
        return Places(super().inputs(rows).numbers + torch.tensor(known))


class InputsNeedLabels(MarkedHead):
    def inputs(self, rows):
        chosen = [row for row in rows if not is_missing(row[self.options.label])]
        return super().inputs(chosen)


class InputsInAList(MarkedHead):
    def inputs(self, rows):
        return [row[self.options.place] for row in rows]

    def forward(self, features, inputs):
        return super().forward(features, Places(torch.tensor(inputs)))


class InputsSorted(MarkedHead):
    def inputs(self, rows):
        return Places(super().inputs(rows).numbers.sort().values)


@frozen
class Unlabelled:
    """Texts alone."""

    text: str = option("column of the text", "text")

    def columns(self):
        return {"text": self.text}

    def metrics(self):
        return ()


class MaskedHead(nn.Module):
    """Guesses masked tokens with the backbone's own table."""

    needs, pooling = "tokens", "mean"

    def __init__(self, options, context):
        super().__init__()
        self.views = ((options.text,),)
        self.vocabulary = self.checked(context)
        self.table = self.vocabulary.table
        self.bias = nn.Parameter(torch.zeros(self.vocabulary.size))

    def checked(self, context):
        vocabulary = context.vocabulary
        if vocabulary is None or vocabulary.mask is None or vocabulary.table.shape[1] != context.hidden_size:
            raise RecipeError("the backbone has no mask token, or embeddings of another size")
        return vocabulary

    def corrupt(self, items, rng):
        changed = [self.changed(item, rng) for item in items]
        targets = torch.full((len(items), max(map(len, items))), MISSING)
        for at, (item, (_, chosen)) in enumerate(zip(items, changed, strict=True)):
            targets[at, torch.as_tensor(np.flatnonzero(chosen))] = torch.as_tensor(item.ids[chosen]).long()
        return [item for item, _ in changed], targets

    def changed(self, item, rng):
        chosen = (rng.random(len(item)) < 0.3) & ~np.isin(item.ids, list(self.vocabulary.special))
        return attrs.evolve(item, ids=np.where(chosen, self.vocabulary.mask, item.ids)), chosen

    def count(self, targets):
        return float((targets != MISSING).sum())

    def forward(self, features, targets):
        view = features[0]
        return view.tokens.masked_fill(~view.mask.unsqueeze(-1), 0.0) @ self.table.T + self.bias

    def loss(self, output, targets):
        total = F.cross_entropy(output.flatten(0, 1), targets.flatten(), reduction="sum")
        return LossTerm(total, self.count(targets))

    def decode(self, output):
        return output.argmax(-1)[:, :1].tolist()

    def metrics(self, predictions, rows):
        return ()


class MasksInPlace(MaskedHead):
    def changed(self, item, rng):
        changed, chosen = super().changed(item, rng)
        item.ids[:] = changed.ids
        return item, chosen


class NumpysGenerator(MaskedHead):
    def changed(self, item, rng):
        return super().changed(item, np.random)


class FixedGenerator(MaskedHead):
    def corrupt(self, items, rng):
        return super().corrupt(items, np.random.default_rng(0))


class MasksSpecials(MaskedHead):
    def changed(self, item, rng):
        chosen = rng.random(len(item)) < 0.3
        return attrs.evolve(item, ids=np.where(chosen, self.vocabulary.mask, item.ids)), chosen


class IdsBeyond(MaskedHead):
    def changed(self, item, rng):
        changed, chosen = super().changed(item, rng)
        ids = np.where(chosen, rng.integers(30_000, size=len(item)), item.ids)
        return attrs.evolve(changed, ids=ids), chosen


class MeanOfMasked(MaskedHead):
    def loss(self, output, targets):
        term = super().loss(output, targets)
        return LossTerm(term.sum / max(term.count, 1.0), term.count)


class NeedsTargets(MaskedHead):
    """Scores at masked places only; prediction has no targets."""

    def forward(self, features, targets):
        return super().forward(features, targets).masked_fill((targets == MISSING).unsqueeze(-1), 0.0)

    def loss(self, output, targets):
        return super().loss(output, targets)


class TakesVocabularyForGranted(MaskedHead):
    def checked(self, context):
        return context.vocabulary


class CentroidHead(ClassifierHead):
    """The class whose mean vector is the nearest; nothing is learned but the means."""

    def __init__(self, options, context):
        super().__init__(options, context)
        self.line = self.dropout = None
        self.register_buffer("means", torch.zeros(len(context.labels), context.hidden_size))

    def fit(self, features, rows):
        pooled, numbers = features[0].pooled, self.targets(rows)
        own = (numbers.unsqueeze(0) == torch.arange(len(self.labels)).unsqueeze(1)).to(pooled)
        self.means = own @ pooled / own.sum(1, keepdim=True).clamp(min=1)

    def forward(self, features):
        return -torch.cdist(features[0].pooled.to(self.means), self.means)


class UnlabelledAreFirstClass(CentroidHead):
    def fit(self, features, rows):
        pooled, numbers = features[0].pooled, self.targets(rows).clamp(min=0)
        own = (numbers.unsqueeze(0) == torch.arange(len(self.labels)).unsqueeze(1)).to(pooled)
        self.means = own @ pooled / own.sum(1, keepdim=True).clamp(min=1)


class AddsToTheFitBefore(CentroidHead):
    def fit(self, features, rows):
        before = self.means
        super().fit(features, rows)
        self.means = 0.5 * (before + self.means)


class FirstOfEachClass(CentroidHead):
    def fit(self, features, rows):
        numbers = self.targets(rows).tolist()
        for number in set(numbers) - {MISSING}:
            self.means[number] = features[0].pooled[numbers.index(number)]


class FitsByChance(CentroidHead):
    def fit(self, features, rows):
        super().fit(features, rows)
        self.means = self.means + 0.1 * torch.randn(self.means.shape).to(self.means)


class FitsAnAttribute(CentroidHead):
    def fit(self, features, rows):
        super().fit(features, rows)
        self.kept = self.means.double().numpy()

    def forward(self, features):
        return -torch.cdist(features[0].pooled.double(), torch.as_tensor(self.kept))


class FitsWeights(ClassifierHead):
    def fit(self, features, rows):
        with torch.no_grad():
            self.line.bias -= self.line(features[0].pooled).mean(0)


class CentresFeatures(CentroidHead):
    def fit(self, features, rows):
        super().fit(features, rows)
        features[0].pooled.sub_(1.0)


class ShownHead(ClassifierHead):
    """Shows a prediction as a table."""

    def present(self, predictions, rows):
        return [{"label": each, "sure": True} for each in predictions]


class ShowsGold(ShownHead):
    def present(self, predictions, rows):
        pairs = zip(predictions, rows, strict=True)
        return [{"label": each, "right": each == row.get(self.options.label)} for each, row in pairs]


class ShowsArrays(ShownHead):
    def present(self, predictions, rows):
        return [{"label": each, "sure": np.ones(1)} for each in predictions]


class ShowsSome(ShownHead):
    def present(self, predictions, rows):
        return [each for each in super().present(predictions, rows) if each["label"] != self.labels[0]]


class ShowsOnce(ShownHead):
    def present(self, predictions, rows):
        predictions.sort()
        return super().present(predictions, rows)


class TwiceHead(nn.Module):
    """A text is close to itself under another dropout (Gao et al. 2021); all rows of a step at once."""

    needs, pooling, batch_coupled, whole_step = "pooled", "cls", True, True

    def __init__(self, options, context):
        super().__init__()
        self.views = ((options.text,), (options.text,))
        self.text = options.text

    def targets(self, rows):
        return torch.tensor([not is_missing(row.get(self.text)) for row in rows], dtype=torch.bool)

    def count(self, targets):
        return float(targets.sum())

    def forward(self, features):
        return torch.stack([F.normalize(view.pooled, dim=-1) for view in features], 1)

    def loss(self, output, targets):
        known = output[targets]
        total = F.cross_entropy(known[:, 0] @ known[:, 1].T, torch.arange(len(known)), reduction="sum")
        return LossTerm(total, self.count(targets))

    def decode(self, output):
        return output[:, 0].tolist()

    def metrics(self, predictions, rows):
        return ()


@frozen
class Questions:
    """An answer is a part of a text."""

    question: str = option("column of the question", "question")
    passage: str = option("column of the text", "passage")
    label: str = option("column of the answer, [begin, end]", "answer")

    def columns(self):
        return {"question": self.question, "passage": self.passage, "label": self.label}

    def metrics(self):
        return ("exact",)

    def examples(self, count, rng):
        rows = []
        for _ in range(count):
            words = [rng.choice(("Zürich", "is", "far", "away")) for _ in range(rng.randint(2, 5))]
            first = rng.randrange(len(words))
            begin = len(" ".join([*words[:first], ""]))
            answer = [begin, begin + len(words[first])]
            rows.append({self.question: "where ?", self.passage: " ".join(words), self.label: answer})
        return rows


class SpanHead(nn.Module):
    """The first and the last token of the answer; rows whose answer was cut off count nothing."""

    needs, pooling, located = "tokens", "mean", True

    def __init__(self, options, context):
        super().__init__()
        self.options, self.views = options, ((options.question, options.passage),)
        self.line = nn.Linear(context.hidden_size, 2)

    def targets(self, rows):
        return torch.tensor([self.number(row.get(self.options.label)) for row in rows], dtype=torch.long)

    def number(self, label):
        if is_missing(label):
            return [MISSING, MISSING]
        try:
            begin, end = map(int, label)
        except (TypeError, ValueError) as error:
            raise RecipeError(f"the answer {label!r} is no [begin, end]") from error
        return [begin, end]

    def count(self, targets):
        return float((targets[:, 0] != MISSING).sum())

    def forward(self, features):
        view = features[0]
        if view.texts is None or view.spans is None:
            raise RecipeError("the backbone does not say where its tokens are")
        inside = (view.texts == 1) & view.mask
        tokens = view.tokens.masked_fill(~view.mask.unsqueeze(-1), 0.0)
        scores = self.line(tokens).masked_fill(~inside.unsqueeze(-1), float("-inf"))
        return torch.cat([scores, view.spans.to(scores)], -1)

    def loss(self, output, targets):
        scores, spans = output[..., :2], output[..., 2:].long()
        total = 0.0 * scores[scores.isfinite()].sum()
        for row, ends, wanted in zip(scores, spans, targets, strict=True):
            for side in (0, 1):
                there = row[:, side].isfinite() & (ends[:, side] == wanted[side])
                if wanted[0] != MISSING and bool(there.any()):
                    total = total - row[:, side].log_softmax(0)[there].logsumexp(0)
        return LossTerm(total, self.count(targets))

    def decode(self, output):
        found = []
        for row in output:
            if not bool(row[:, 0].isfinite().any()):
                found.append([0, 0])
                continue
            first = int(row[:, 0].argmax())
            last = first + int(row[first:, 1].argmax())
            found.append([int(row[first, 2]), int(row[last, 3])])
        return found

    def metrics(self, predictions, rows):
        pairs = [(mine, row.get(self.options.label)) for mine, row in zip(predictions, rows, strict=True)]
        right = [list(mine) == list(gold) for mine, gold in pairs if not is_missing(gold)]
        records = np.array(right, float)[:, None]
        return (Measure("exact", records, lambda some: float(some.mean())),) if right else ()


class ForgotLocated(SpanHead):
    located = False


class SpansTakenForGranted(SpanHead):
    def forward(self, features):
        view = features[0]
        inside = (view.texts == 1) & view.mask
        tokens = view.tokens.masked_fill(~view.mask.unsqueeze(-1), 0.0)
        scores = self.line(tokens).masked_fill(~inside.unsqueeze(-1), float("-inf"))
        return torch.cat([scores, view.spans.to(scores)], -1)


OPTIONS = {
    MarkedHead: Marked, MaskedHead: Unlabelled, TwiceHead: Unlabelled, SpanHead: Questions, ClassifierHead: Classes,
}  # fmt: skip


def made(build):
    """The card of a head, with the options of its family."""
    return card(build, next(options for base, options in OPTIONS.items() if issubclass(build, base)))


def _of(law, *builders):
    return [(made(each), law) for each in builders]


UNUSUAL = tuple(map(made, (MixingHead, MarkedHead, MaskedHead, CentroidHead, ShownHead, TwiceHead, SpanHead)))
MUTANTS = (
    *_of("H2", MixesPadding),
    *_of("H4", InputsSorted),
    *_of("H5", MeanOfMasked),
    *_of("H12", NeedsTargets),
    *_of("H1", ForgotLocated),
    *_of("H28", AllLayersThatAreThere, OneLayerTooMany, TwelveLayers),
    *_of("H29", LabelAmongInputs, InputsNeedLabels, InputsInAList),
    *_of("H30", MasksInPlace, NumpysGenerator, FixedGenerator, MasksSpecials, IdsBeyond),
    *_of(
        "H31",
        UnlabelledAreFirstClass,
        AddsToTheFitBefore,
        FirstOfEachClass,
        FitsByChance,
        FitsAnAttribute,
        FitsWeights,
        CentresFeatures,
    ),
    *_of("H32", ShowsGold, ShowsArrays, ShowsSome, ShowsOnce),
    *_of("H33", TakesVocabularyForGranted, SpansTakenForGranted),
)
