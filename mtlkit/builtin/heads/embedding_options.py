"""Options of the head `sentence-embedding`; light, so that recipes are checked without torch."""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Annotated, Literal, get_args

from annotated_types import Ge
from attrs import frozen

from mtlkit.builtin.heads.objectives.options import (
    AdaptiveLayerObjective,
    GistObjective,
    Innermost,
    MarginMseObjective,
    MatryoshkaObjective,
    MseObjective,
    Objective,
    ObjectiveName,
    TripletObjective,
    cut_to,
    innermost,
    made,
)
from mtlkit.builtin.heads.option_fields import Layers, TextPooling, layers_field, pooling_field
from mtlkit.builtin.metrics.names import RankMetric, lower_of
from mtlkit.contracts.data import Record, Value
from mtlkit.contracts.options import option

NEGATIVE = ("negative",)
EmbeddingMetric = Literal[
    RankMetric,
    "spearman",
    "pearson",
    "ap",
    "best-accuracy",
    "triplet-accuracy",
    "mae",
    "cosine",
    "rmse",
    "anisotropy",
]
GUIDE_SIZE = 4
FURTHEST = 2.0
"""The largest cosine distance, and the largest euclidean one between vectors of length 1."""
WORDS = ("one", "two", "New", "York", "été", "x", "very", "long")


@frozen
class SentenceEmbedding:
    """One vector for each text, near for texts that belong together (a bi-encoder).

    Which columns are read depends on the objective: `first` always; `second`, `negatives`, `score`, `group`
    and `teacher` as the objective says. A row that lacks one of them is not learned from; of `negatives` a
    text may be missing in ranking and gist.

    Raises:
        ValueError: when the objective has options to set and only its name is given, or a margin that its
            distances never reach; when there are not as many columns as it reads; when a column of texts
            is also one of scores, groups or vectors; when `cached` could change nothing; or when a metric is
            not one of the objective.
    """

    first: str = option("column of the first text, the query", "text")
    second: str = option("column of the second text, the answer", "text_pair")
    objective: ObjectiveName | Objective = option(
        'the loss: a name, or a table with its options, such as { use = "triplet", margin = 0.3 }',
        "multiple-negatives-ranking",
    )
    negatives: tuple[str, ...] = option(
        'columns of texts that are no answers; ["negative"] by default for triplet and margin-mse', ()
    )
    score: str = option(
        "column of the pair's similarity; 1 or 0 for contrastive ones, the teacher's margin for margin-mse",
        "score",
    )
    group: str = option("column of what texts that belong together have in common", "group")
    teacher: str = option("column of the teacher's vector, a list of numbers", "teacher")
    pooling: TextPooling = pooling_field()
    layers: Layers = layers_field()
    dim: Annotated[int, Ge(0)] = option(
        "size of a linear projection; 0 for the backbone's own vectors", 0, unit="dimensions"
    )
    normalize: bool = option("scale the vectors to length 1", True)
    cached: bool = option(
        "take the loss over all rows of a step at once, also where `accumulate` encodes them in parts", False
    )
    _metrics: tuple[EmbeddingMetric, ...] = option(
        "the metrics that are measured, the primary one first; by default those of the objective", ()
    )

    def __attrs_post_init__(self) -> None:
        made(self.objective)
        for problem in self._problems(self.inner):
            raise ValueError(problem)

    @property
    def inner(self) -> Innermost:
        """The objective inside all wrappers."""
        return innermost(self.objective)

    def columns(self) -> Mapping[str, str]:
        """The columns that are read, by option."""
        return {**self.texts(), **self._others()}

    def metrics(self) -> tuple[str, ...]:
        """The metrics that are measured."""
        chosen = self.chosen()
        return (*chosen, *(f"{chosen[0]}-{dim}d" for dim in cut_to(self.objective)))

    @property
    def lower_is_better(self) -> tuple[str, ...]:
        """Those of its metrics of which lower is better."""
        return lower_of(self.metrics())

    def chosen(self) -> tuple[str, ...]:
        """The metrics that are asked for, else those of the objective; those of cut vectors left out."""
        return self._metrics or self.inner.measures

    def texts(self) -> Mapping[str, str]:
        """The columns of texts, by option, in the order of the head's vectors."""
        reads = self.inner.reads
        found = {"first": self.first}
        if "second" in reads:
            found["second"] = self.second
        if "negatives" in reads:
            found |= {f"negatives.{at}": name for at, name in enumerate(self.no_answers())}
        return found

    def no_answers(self) -> tuple[str, ...]:
        """The columns of negatives, those that an objective reads by default included."""
        needed = isinstance(self.inner, TripletObjective | MarginMseObjective)
        return self.negatives or (NEGATIVE if needed else ())

    def examples(self, count: int, rng: Random) -> list[Record]:
        """Rows that it could learn from."""
        return [self._example(number, rng) for number in range(count)]

    def _others(self) -> Mapping[str, str]:
        columns: dict[str, str] = {"score": self.score, "group": self.group, "teacher": self.teacher}
        found = {name: column for name, column in columns.items() if name in set[str](self.inner.reads)}
        if isinstance(self.inner, GistObjective):
            path, wrapper = "objective.guide", made(self.objective)
            while isinstance(wrapper, MatryoshkaObjective | AdaptiveLayerObjective):
                path, wrapper = f"objective.{path}", made(wrapper.objective)
            found |= {f"{path}.{at}": name for at, name in enumerate(self.inner.guide)}
        return found

    def _problems(self, inner: Innermost) -> Iterator[str]:
        """What does not fit together, each with what would be right."""
        name = inner.use
        if self.negatives and "negatives" not in inner.reads:
            yield f"{name} reads no negatives; leave negatives out, or take multiple-negatives-ranking"
        if isinstance(inner, TripletObjective) and len(self.negatives) > 1:
            yield f"triplet reads one column of negatives, not {len(self.negatives)}; name one"
        if isinstance(inner, GistObjective) and len(inner.guide) != len(self.texts()):
            yield f"guide has {len(inner.guide)} columns; name one for each of {_listed(self.texts())}"
        if self.cached and not inner.coupled:
            yield f"cached changes nothing: with {name} no row depends on another one; leave it out"
        offered = get_args(RankMetric) if "mrr" in inner.measures else inner.measures
        strange = [each for each in self._metrics if each not in offered]
        if strange:
            yield f"{name} does not measure {strange[0]}; it measures {_listed(offered)}"
        if len(set(self._metrics)) < len(self._metrics):
            yield f"metrics {list(self._metrics)} has a metric twice"
        wraps = isinstance(made(self.objective), AdaptiveLayerObjective)
        if wraps and self.layers != "last":
            yield "adaptive-layer says itself which layers are read; leave layers out"
        texts, others = set(self.texts().values()), list(self._others().values())
        twice = [each for each in others if each in texts or others.count(each) > 1]
        if twice:
            holds = f"a column of {_listed(self._others())} holds no texts"
            yield f"the column {twice[0]!r} is read in two ways; {holds}"
        distance, margin = getattr(inner, "distance", ""), getattr(inner, "margin", 0.0)
        bounded = distance == "cosine" or (distance == "euclidean" and self.normalize)
        if bounded and margin != "soft" and margin > FURTHEST:
            yield (
                f"the margin {margin} is never reached, since no two vectors are further apart than 2; "
                'lower it, or write distance = "euclidean" and normalize = false'
            )

    def _example(self, number: int, rng: Random) -> Record:
        row: dict[str, Value] = {}
        for column in self.texts().values():
            row[column] = f"{number} {' '.join(rng.choices(WORDS, k=rng.randint(1, 6)))}"
        for name, column in self._others().items():
            row[column] = self._cell(name, rng)
        return row

    def _cell(self, name: str, rng: Random) -> Value:
        if name == "group":
            return rng.choice(WORDS[:3])
        if name == "score" and isinstance(self.inner, MarginMseObjective):
            margins = [rng.choice((-0.5, 0.0, 0.25, 1.0)) for _ in self.no_answers()]
            return margins if len(margins) > 1 else margins[0]
        if name == "score":
            pairs = "contrastive" in self.inner.use
            return rng.choice((0.0, 1.0) if pairs else (0.0, 0.25, 0.5, 0.75, 1.0))
        size = self.inner.size if isinstance(self.inner, MseObjective) else GUIDE_SIZE
        return [rng.uniform(-1, 1) for _ in range(size)]


def _listed(names: Mapping[str, str] | Sequence[str]) -> str:
    return " and ".join(", ".join(names).rsplit(", ", 1))
