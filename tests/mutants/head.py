"""Heads with one plausible mistake each; `ClassifierHead` and `TaggerHead` are right."""

import random

import numpy as np
import torch
from attrs import frozen
from torch import nn
from torch.nn import functional as F

from mtlkit import Card, HeadContext, LossTerm, Measure, RecipeError, option

MISSING = -100
CACHE: dict = {}


@frozen
class Classes:
    """One class for each text."""

    text: str = option("column of the text", "text")
    label: str = option("column of the label", "label")

    def columns(self):
        return {"text": self.text, "label": self.label}

    def metrics(self):
        return ("accuracy",)


@frozen
class Tags:
    """One tag for each word."""

    tokens: str = option("column of the words", "tokens")
    label: str = option("column of the tags", "tags")

    def columns(self):
        return {"tokens": self.tokens, "label": self.label}

    def metrics(self):
        return ("word-accuracy",)


def is_missing(cell) -> bool:
    return cell is None or cell == ""


class ClassifierHead(nn.Module):
    needs, pooling = "pooled", "mean"

    def __init__(self, options: Classes, context: HeadContext) -> None:
        super().__init__()
        self.options, self.labels = options, context.labels
        self.views = ((options.text,),)
        self.dropout = nn.Dropout(0.1)
        self.line = nn.Linear(context.hidden_size, len(context.labels))

    def number(self, label) -> int:
        if is_missing(label):
            return MISSING
        if str(label) not in self.labels:
            raise RecipeError(f"the label {label!r} is none of {self.labels}")
        return self.labels.index(str(label))

    def targets(self, rows):
        return torch.tensor([self.number(row.get(self.options.label)) for row in rows], dtype=torch.long)

    def count(self, targets):
        return float((targets != MISSING).sum())

    def forward(self, features):
        return self.line(self.dropout(self.vector(features[0])))

    def vector(self, view):
        return view.pooled

    def loss(self, output, targets):
        return LossTerm(F.cross_entropy(output, targets, reduction="sum"), self.count(targets))

    def decode(self, output):
        return [self.labels[number] for number in output.argmax(-1).tolist()]

    def metrics(self, predictions, rows):
        pairs = [(mine, row.get(self.options.label)) for mine, row in zip(predictions, rows, strict=True)]
        right = [mine == str(label) for mine, label in pairs if not is_missing(label)]
        return (self.measure(np.array(right, float)[:, None]),) if right else ()

    def measure(self, records):
        return Measure("accuracy", records, lambda some: float(some.mean()))


class TaggerHead(nn.Module):
    needs, pooling = "tokens", "mean"

    def __init__(self, options: Tags, context: HeadContext) -> None:
        super().__init__()
        self.options, self.labels = options, context.labels
        self.views = ((options.tokens,),)
        self.line = nn.Linear(context.hidden_size, len(context.labels))

    def targets(self, rows):
        found = [[self.number(tag) for tag in row.get(self.options.label) or ()] for row in rows]
        width = max(map(len, found), default=0)
        padded = [row + [MISSING] * (width - len(row)) for row in found]
        return torch.tensor(padded, dtype=torch.long).reshape(len(rows), width)

    def number(self, tag) -> int:
        if is_missing(tag):
            return MISSING
        if str(tag) not in self.labels:
            raise RecipeError(f"the tag {tag!r} is none of {self.labels}")
        return self.labels.index(str(tag))

    def count(self, targets):
        return float((targets != MISSING).sum())

    def forward(self, features):
        view = features[0]
        tokens = view.tokens.masked_fill(~view.mask.unsqueeze(-1), 0.0)
        width = int(view.words.max()) + 1
        own = view.words.unsqueeze(1) == torch.arange(width).unsqueeze(-1)
        means = own.to(tokens) @ tokens / own.sum(-1, keepdim=True).clamp(min=1)
        return self.line(means).masked_fill(~own.any(-1, keepdim=True), float("-inf"))

    def loss(self, output, targets):
        width = min(output.shape[1], targets.shape[1])
        chosen = (targets[:, :width] != MISSING) & ~output[:, :width, 0].isinf()
        total = F.cross_entropy(output[:, :width][chosen], targets[:, :width][chosen], reduction="sum")
        return LossTerm(total, self.count(targets))

    def decode(self, output):
        seen = ~output[..., 0].isinf()
        rows = zip(output.argmax(-1).tolist(), seen.tolist(), strict=True) if output.shape[1] else []
        found = [[self.labels[n] for n, there in zip(*row, strict=True) if there] for row in rows]
        return found or [[] for _ in output]

    def metrics(self, predictions, rows):
        records = []
        for tags, row in zip(predictions, rows, strict=True):
            gold = [None if is_missing(tag) else str(tag) for tag in row.get(self.options.label) or ()]
            right = sum(mine == tag for mine, tag in zip(tags, gold, strict=False) if tag is not None)
            known = sum(tag is not None for tag in gold)
            records += [(right, known)] if known else []
        measure = Measure(
            "word-accuracy", np.array(records, float), lambda some: float(np.divide(*some.sum(0)))
        )
        return (measure,) if records else ()


class MeanLoss(ClassifierHead):
    def loss(self, output, targets):
        mean = F.cross_entropy(output, targets) if self.count(targets) else output.sum() * 0.0
        return LossTerm(mean, self.count(targets))


class CountsEverybody(ClassifierHead):
    def count(self, targets):
        return float(len(targets))


class MissingIsFirstClass(ClassifierHead):
    def number(self, label) -> int:
        return 0 if is_missing(label) else super().number(label)


class MissingIsNan(ClassifierHead):
    def loss(self, output, targets):
        return LossTerm(F.cross_entropy(output, targets) * self.count(targets), self.count(targets))


class ForgetsMask(ClassifierHead):
    needs = "tokens"

    def vector(self, view):
        return view.tokens.mean(1)


class MultipliesMask(ClassifierHead):
    needs = "tokens"

    def vector(self, view):
        mask = view.mask.unsqueeze(-1).to(view.tokens)
        return (view.tokens * mask).sum(1) / mask.sum(1)


class PaddedLength(ClassifierHead):
    needs = "tokens"

    def vector(self, view):
        return view.tokens.masked_fill(~view.mask.unsqueeze(-1), 0.0).sum(1) / view.mask.shape[1]


class PlainNumber(ClassifierHead):
    def loss(self, output, targets):
        term = super().loss(output, targets)
        return LossTerm(torch.tensor(term.sum.item()), term.count)


class CountsTwice(ClassifierHead):
    def loss(self, output, targets):
        return LossTerm(super().loss(output, targets).sum, float(len(targets)))


class TensorCount(ClassifierHead):
    def count(self, targets):
        return (targets != MISSING).sum()


class Squeezes(ClassifierHead):
    def forward(self, features):
        return super().forward(features).squeeze()


class DefaultClass(ClassifierHead):
    def number(self, label) -> int:
        numbers = {name: number for number, name in enumerate(self.labels)}
        return MISSING if is_missing(label) else numbers.get(str(label), len(self.labels) - 1)


class BareKeyError(ClassifierHead):
    def number(self, label) -> int:
        return MISSING if is_missing(label) else {name: at for at, name in enumerate(self.labels)}[str(label)]


class UnknownIsMissing(ClassifierHead):
    def number(self, label) -> int:
        return super().number(label) if str(label) in self.labels else MISSING


class FoldsCase(ClassifierHead):
    def number(self, label) -> int:
        if is_missing(label):
            return MISSING
        folded = [name.strip().lower() for name in self.labels]
        if str(label).strip().lower() not in folded:
            raise RecipeError(f"the label {label!r} is none of {folded}")
        return folded.index(str(label).strip().lower())


class StripsPredictions(ClassifierHead):
    def decode(self, output):
        return [label.strip() for label in super().decode(output)]


class TextOnly(ClassifierHead):
    def number(self, label) -> int:
        if is_missing(label):
            return MISSING
        if label not in self.labels:
            raise RecipeError(f"the label {label!r} is none of {self.labels}")
        return self.labels.index(label)


class RemembersLengths(TaggerHead):
    def targets(self, rows):
        self.lengths = [len(row.get(self.options.label) or ()) for row in rows]
        return super().targets(rows)

    def decode(self, output):
        found = super().decode(output)
        lengths = getattr(self, "lengths", [99] * len(found))
        return [tags[:length] for tags, length in zip(found, [*lengths, *[99] * len(found)], strict=False)]


class TensorPredictions(ClassifierHead):
    def decode(self, output):
        return list(output.argmax(-1))


class TooFewPredictions(TaggerHead):
    def decode(self, output):
        return [tags for tags in super().decode(output) if len(tags) > 1]


class PredictsByBatch(ClassifierHead):
    def decode(self, output):
        return super().decode(output - output.mean(0))


class MeanOfMeans(ClassifierHead):
    def measure(self, records):
        chunks = [records[at : at + 2].mean() for at in range(0, len(records), 2)]
        return Measure("accuracy", np.array(chunks)[:, None], lambda some: float(some.mean()))


class FixedValue(ClassifierHead):
    def measure(self, records):
        value = float(records.mean())
        return Measure("accuracy", records, lambda some: value)


class WrongDirection(ClassifierHead):
    def measure(self, records):
        return Measure("accuracy", records, lambda some: float(some.mean()), higher_is_better=False)


class UnlabelledIsWrong(ClassifierHead):
    def metrics(self, predictions, rows):
        right = [
            mine == str(row.get(self.options.label)) for mine, row in zip(predictions, rows, strict=True)
        ]
        return (self.measure(np.array(right, float)[:, None]),)


class OtherName(ClassifierHead):
    def measure(self, records):
        return Measure("acc", records, lambda some: float(some.mean()))


class LooksGoldUp(ClassifierHead):
    def metrics(self, predictions, rows):
        for row in rows:
            if not is_missing(row.get(self.options.label)):
                self.labels.index(str(row.get(self.options.label)))
        return super().metrics(predictions, rows)


class HiddenLayers(ClassifierHead):
    def __init__(self, options, context):
        super().__init__(options, context)
        self.layers = [nn.Linear(context.hidden_size, context.hidden_size) for _ in range(2)]

    def vector(self, view):
        vector = view.pooled
        for layer in self.layers:
            vector = layer.to(vector)(vector).tanh()
        return vector


class SharedLayer(ClassifierHead):
    def __init__(self, options, context):
        super().__init__(options, context)
        key = (context.hidden_size, len(context.labels), str(self.line.weight.device))
        self.line = CACHE.setdefault(key, self.line)


class WritesIntoFeatures(ClassifierHead):
    def vector(self, view):
        with torch.no_grad():
            view.pooled.clamp_(-1, 1)
        return view.pooled


class WritesIntoScores(ClassifierHead):
    def decode(self, output):
        return super().decode(output.sub_(output.amax(-1, keepdim=True)))


class OwnSeed(ClassifierHead):
    def __init__(self, options, context):
        torch.manual_seed(42)
        super().__init__(options, context)


class NumpyWeights(ClassifierHead):
    def __init__(self, options, context):
        super().__init__(options, context)
        with torch.no_grad():
            self.line.weight.copy_(torch.from_numpy(np.random.normal(0, 0.02, tuple(self.line.weight.shape))))


class SeedOfTheName(ClassifierHead):
    def __init__(self, options, context):
        super().__init__(options, context)
        generator = torch.Generator().manual_seed(len(context.task) + ord(context.task[-1]))
        if self.line.weight.device.type != "meta":
            nn.init.normal_(self.line.weight, generator=generator)


class LogOfSoftmax(ClassifierHead):
    def loss(self, output, targets):
        total = F.nll_loss(output.softmax(-1).log(), targets, reduction="sum")
        return LossTerm(total, self.count(targets))


class StaysInHalf(ClassifierHead):
    def forward(self, features):
        return super().forward(features).half()


class WrongSign(ClassifierHead):
    may_be_negative = True

    def loss(self, output, targets):
        term = super().loss(output, targets)
        return LossTerm(-term.sum, term.count)


class NegativeLoss(ClassifierHead):
    def loss(self, output, targets):
        known = targets != MISSING
        chosen = output[known].log_softmax(-1).gather(1, targets[known].unsqueeze(1)).sum()
        return LossTerm(-chosen - 2.0 * self.count(targets), self.count(targets))


class DetachedFeatures(ClassifierHead):
    def vector(self, view):
        return view.pooled.detach()


class DetachedFactor(ClassifierHead):
    def loss(self, output, targets):
        each = F.cross_entropy(output, targets, reduction="none")
        return LossTerm((each * (1 - (-each).exp()).detach()).sum(), self.count(targets))


class SoftmaxTwice(ClassifierHead):
    def forward(self, features):
        return super().forward(features).softmax(-1)


class NothingLearned(ClassifierHead):
    def forward(self, features):
        with torch.no_grad():
            vector = self.line(self.dropout(features[0].pooled))
        return vector + 0.0 * self.line.bias.sum()


class OtherOrder(ClassifierHead):
    def decode(self, output):
        names = sorted(self.labels, key=str.lower, reverse=True)
        return [names[number] for number in output.argmax(-1).tolist()]


class NumbersForLabels(ClassifierHead):
    def decode(self, output):
        return output.argmax(-1).tolist()


class ArgMin(ClassifierHead):
    def decode(self, output):
        return super().decode(-output)


class AlwaysDropsOut(ClassifierHead):
    def vector(self, view):
        return F.dropout(view.pooled, 0.5)


class PythonNoise(ClassifierHead):
    def vector(self, view):
        return view.pooled * (random.uniform(0.9, 1.1) if self.training else 1.0)


class RunningMean(ClassifierHead):
    def __init__(self, options, context):
        super().__init__(options, context)
        self.register_buffer("mean", torch.zeros(context.hidden_size))

    def vector(self, view):
        with torch.no_grad():
            self.mean.lerp_(view.pooled.mean(0).to(self.mean), 0.1)
        return view.pooled - self.mean.to(view.pooled)


class NormalisesWeights(ClassifierHead):
    def forward(self, features):
        self.line.weight.data = F.normalize(self.line.weight.data, dim=-1)
        return super().forward(features)


class EvalInDecode(ClassifierHead):
    def decode(self, output):
        self.eval()
        return super().decode(output)


class BatchNorm(ClassifierHead):
    def __init__(self, options, context):
        super().__init__(options, context)
        self.norm = nn.BatchNorm1d(context.hidden_size)

    def vector(self, view):
        return self.norm(view.pooled)


class RandomProjection(ClassifierHead):
    def __init__(self, options, context):
        super().__init__(options, context)
        self.projection = torch.randn(context.hidden_size, context.hidden_size)

    def vector(self, view):
        return view.pooled @ self.projection.to(view.pooled)


class LooksAtWeights(ClassifierHead):
    def __init__(self, options, context):
        super().__init__(options, context)
        if self.line.weight.abs().max().item() > 10:
            nn.init.zeros_(self.line.weight)


class NoColumn(ClassifierHead):
    def __init__(self, options, context):
        super().__init__(options, context)
        self.views = (("sentence",),)


class FlatViews(ClassifierHead):
    def __init__(self, options, context):
        super().__init__(options, context)
        self.views = ((options.text),)


class KeepsScores(ClassifierHead):
    def forward(self, features):
        self.last = super().forward(features)
        return self.last


class FirstRowCountsMore(ClassifierHead):
    def loss(self, output, targets):
        each = F.cross_entropy(output, targets, reduction="none")
        return LossTerm(each.sum() + 0.1 * each[0], self.count(targets))


class DistinctClasses(ClassifierHead):
    def loss(self, output, targets):
        term = super().loss(output, targets)
        return LossTerm(term.sum / max(len(targets), 1) * len(set(targets.tolist())), term.count)


class NoGradients(ClassifierHead):
    def targets(self, rows):
        torch.set_grad_enabled(False)
        return super().targets(rows)


class DoubleByDefault(ClassifierHead):
    def __init__(self, options, context):
        super().__init__(options, context)
        torch.set_default_dtype(torch.float64)


class FirstRowsWidth(TaggerHead):
    def loss(self, output, targets):
        chosen = (targets != MISSING) & ~output[..., 0].isinf()
        return LossTerm(
            F.cross_entropy(output[chosen], targets[chosen], reduction="sum"), self.count(targets)
        )


class WordsFromSpecials(TaggerHead):
    def forward(self, features):
        view = features[0]
        tokens = view.tokens.masked_fill(~view.mask.unsqueeze(-1), 0.0)
        width = int(view.words.max()) + 1
        own = view.words.clamp(min=0).unsqueeze(1) == torch.arange(width).unsqueeze(-1)
        means = own.to(tokens) @ tokens / own.sum(-1, keepdim=True).clamp(min=1)
        return self.line(means).masked_fill(~own.any(-1, keepdim=True), float("-inf"))


def card(build, options=Classes) -> Card:
    return Card("head", build.__name__, "under test", options, build)


def _of(law: str, *builders) -> list[tuple[Card, str]]:
    return [(card(each, Tags if issubclass(each, TaggerHead) else Classes), law) for each in builders]


@frozen
class Counts:
    """A number for each text."""

    text: str = option("column of the text", "text")
    label: str = option("column of the number", "number")
    lower_is_better = ("mean-error",)

    def columns(self):
        return {"text": self.text, "label": self.label}

    def metrics(self):
        return ("mean-error",)

    def examples(self, count, rng):
        return [{self.text: f"text {at}", self.label: rng.randrange(5)} for at in range(count)]


class PoissonHead(ClassifierHead):
    """A number, by the logarithm of its rate; log y! is left out, so a loss may be negative."""

    may_be_negative = True

    def __init__(self, options, context):
        nn.Module.__init__(self)
        self.options, self.views = options, ((options.text,),)
        self.line = nn.Linear(context.hidden_size, 1)

    def number(self, label):
        try:
            return float("nan") if is_missing(label) else float(label)
        except ValueError as error:
            raise RecipeError(f"the number {label!r} is none") from error

    def targets(self, rows):
        return torch.tensor([self.number(row.get(self.options.label)) for row in rows])

    def count(self, targets):
        return float((~targets.isnan()).sum())

    def forward(self, features):
        return self.line(features[0].pooled)[:, 0].clamp(max=20)

    def loss(self, output, targets):
        known = ~targets.isnan()
        rates = output[known].clamp(max=20)
        return LossTerm((rates.exp() - targets[known].to(rates) * rates).sum(), self.count(targets))

    def decode(self, output):
        return output.exp().tolist()

    def metrics(self, predictions, rows):
        numbers = self.targets(rows).tolist()
        errors = [abs(mine - it) for mine, it in zip(predictions, numbers, strict=True) if it == it]
        records = np.array(errors)[:, None]
        measure = Measure("mean-error", records, lambda some: float(some.mean()), higher_is_better=False)
        return (measure,) if errors else ()


@frozen
class Pairs:
    """Two texts that belong together; there are no labels."""

    query: str = option("column of the question", "query")
    answer: str = option("column of the answer", "answer")

    def columns(self):
        return {"query": self.query, "answer": self.answer}

    def metrics(self):
        return ("found",)


class ContrastiveHead(nn.Module):
    """Every other answer of the batch is wrong; no weights at all."""

    needs, pooling, batch_coupled = "pooled", "max", True

    def __init__(self, options, context):
        super().__init__()
        self.options, self.views = options, ((options.query,), (options.answer,))

    def targets(self, rows):
        known = [not any(is_missing(row.get(name)) for view in self.views for name in view) for row in rows]
        return torch.tensor(known, dtype=torch.bool)

    def count(self, targets):
        return float(targets.sum())

    def forward(self, features):
        return torch.stack([F.normalize(view.pooled, dim=-1) for view in features], 1)

    def loss(self, output, targets):
        known = output[targets]
        total = F.cross_entropy(known[:, 0] @ known[:, 1].T, torch.arange(len(known)), reduction="sum")
        return LossTerm(total, self.count(targets))

    def decode(self, output):
        return output.tolist()

    def metrics(self, predictions, rows):
        known = [each for each, there in zip(predictions, self.targets(rows).tolist(), strict=True) if there]
        if not known:
            return ()
        vectors = np.array(known)
        scores = vectors[:, 0] @ vectors[:, 1].T
        right = (np.diagonal(scores) >= scores.max(1))[:, None].astype(float)
        return (Measure("found", right, lambda some: float(some.mean())),)


class ConstantHead(ClassifierHead):
    """Says the first class of every text; a baseline."""

    def __init__(self, options, context):
        super().__init__(options, context)
        self.line = self.dropout = None

    def forward(self, features):
        scores = torch.zeros(len(features[0].pooled), len(self.labels))
        scores[:, 0] = 1.0
        return scores


class PriorHead(ConstantHead):
    """Learns how frequent classes are and reads no features."""

    def __init__(self, options, context):
        super().__init__(options, context)
        self.prior = nn.Parameter(torch.zeros(len(context.labels)))

    def forward(self, features):
        return self.prior.expand(len(features[0].pooled), -1)


class CoupledHead(BatchNorm):
    """Batch normalisation, declared."""

    batch_coupled = True


class AttentionHead(ClassifierHead):
    """Pools by learned attention, in single precision always."""

    needs = "tokens"

    def __init__(self, options, context):
        super().__init__(options, context)
        self.query = nn.Linear(context.hidden_size, 1, bias=False)

    def vector(self, view):
        inside = view.mask.unsqueeze(-1)
        tokens = view.tokens.float().masked_fill(~inside, 0.0)
        shares = self.query(tokens).masked_fill(~inside, -1e9).softmax(1)
        return (shares * tokens).sum(1)


class ManyHead(ClassifierHead):
    """Any number of classes for each text."""

    def targets(self, rows):
        found = torch.full((len(rows), len(self.labels)), float("nan"))
        for at, row in enumerate(rows):
            names = row.get(self.options.label)
            if names is not None and names != "":
                numbers = [self.number(name) for name in names if not is_missing(name)]
                found[at] = 0.0
                found[at, numbers] = 1.0
        return found

    def count(self, targets):
        return float((~targets.isnan()).sum())

    def loss(self, output, targets):
        known = ~targets.isnan()
        wanted = targets[known].to(output)
        total = F.binary_cross_entropy_with_logits(output[known], wanted, reduction="sum")
        return LossTerm(total, self.count(targets))

    def decode(self, output):
        return [
            [name for name, on in zip(self.labels, row, strict=True) if on] for row in (output > 0).tolist()
        ]

    def metrics(self, predictions, rows):
        pairs = [
            (set(mine), row.get(self.options.label)) for mine, row in zip(predictions, rows, strict=True)
        ]
        right = [mine == set(names) for mine, names in pairs if names is not None and names != ""]
        return (self.measure(np.array(right, float)[:, None]),) if right else ()


@frozen
class Topics(Classes):
    """Any number of classes for each text."""

    def examples(self, count, rng):
        sets = (["art"], ["art", "sport"], ["money"], ["sport", "money"])
        return [{self.text: f"text {at}", self.label: list(rng.choice(sets))} for at in range(count)]


class UnevenHead(ClassifierHead):
    """Two layers in half the width, classes weighted by a buffer, label smoothing, its own target type."""

    def __init__(self, options, context):
        super().__init__(options, context)
        self.up = nn.Sequential(nn.Linear(context.hidden_size, 16), nn.Tanh())
        self.line = nn.Linear(16, len(context.labels))
        self.register_buffer("weights", 1.0 + torch.arange(len(context.labels)), persistent=False)

    def vector(self, view):
        return self.up(view.pooled)

    def targets(self, rows):
        return Wanted(super().targets(rows))

    def count(self, targets):
        numbers = targets.numbers
        return float(self.weights[numbers[numbers != MISSING]].sum())

    def loss(self, output, targets):
        total = F.cross_entropy(
            output, targets.numbers, self.weights.to(output), reduction="sum", label_smoothing=0.1
        )
        return LossTerm(total, self.count(targets))


@frozen(eq=False)
class Wanted:
    numbers: torch.Tensor

    def to(self, device):
        return Wanted(self.numbers.to(device))


class ProjectingHead(ClassifierHead):
    """A weight that its author froze."""

    def __init__(self, options, context) -> None:
        super().__init__(options, context)
        size = context.hidden_size
        self.projection = nn.Parameter(torch.randn(size, size) / size**0.5, requires_grad=False)

    def vector(self, view):
        return view.pooled @ self.projection


UNUSUAL: tuple[Card, ...] = (
    card(ClassifierHead),
    card(TaggerHead, Tags),
    card(PoissonHead, Counts),
    card(ContrastiveHead, Pairs),
    card(ConstantHead),
    card(PriorHead),
    card(CoupledHead),
    card(AttentionHead),
    card(ProjectingHead),
    card(ManyHead, Topics),
    card(UnevenHead),
)
MUTANTS: tuple[tuple[Card, str], ...] = (
    *_of("H1", PlainNumber, CountsTwice, TensorCount, Squeezes, FirstRowsWidth),
    *_of("H2", ForgetsMask, MultipliesMask),
    *_of("H3", PaddedLength, WordsFromSpecials),
    *_of("H4", FirstRowCountsMore),
    *_of("H5", MeanLoss, BatchNorm),
    *_of("H6", DistinctClasses),
    *_of("H7", CountsEverybody, MissingIsFirstClass, MissingIsNan),
    *_of("H8", DefaultClass, BareKeyError, UnknownIsMissing),
    *_of("H9", DetachedFeatures, DetachedFactor),
    *_of("H10", NothingLearned, SoftmaxTwice),
    *_of("H11", RemembersLengths),
    *_of("H12", TensorPredictions, TooFewPredictions, PredictsByBatch),
    *_of("H13", NormalisesWeights, RunningMean, EvalInDecode),
    *_of("H14", HiddenLayers, SharedLayer),
    *_of("H15", MeanOfMeans, FixedValue, WrongDirection, UnlabelledIsWrong, OtherName),
    *_of("H16", LooksGoldUp),
    *_of("H18", LogOfSoftmax),
    *_of("H19", WritesIntoFeatures, WritesIntoScores),
    *_of("H20", OwnSeed, NumpyWeights, SeedOfTheName),
    *_of("H21", FoldsCase, StripsPredictions, TextOnly, NegativeLoss),
    *_of("H22", OtherOrder, ArgMin, NumbersForLabels, WrongSign),
    *_of("H23", AlwaysDropsOut, PythonNoise),
    *_of("H24", RandomProjection),
    *_of("H25", NoColumn, FlatViews),
    *_of("H26", LooksAtWeights),
    *_of("H27", KeepsScores),
    *_of("G12", NoGradients, DoubleByDefault),
)
