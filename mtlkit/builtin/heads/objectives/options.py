"""Options of the objectives of `sentence-embedding`; light, so that recipes are checked without torch.

    objective = "cosent"                                                    its name, all options as they are
    objective = { use = "triplet", margin = 0.3, distance = "euclidean" }   a table
    objective = { use = "matryoshka", dims = [64, 32], objective = "cosent" }   one around another

Each class says three things of itself: `reads`, the options of the head that name columns it reads beside
`first`; `coupled`, whether the loss of a row depends on the other rows of its batch; `measures`, the metrics.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args

from annotated_types import Ge, Gt, Le, Lt, MinLen
from attrs import NOTHING, fields, frozen

from mtlkit.builtin.metrics.names import NumberMetric, RankMetric
from mtlkit.contracts.options import option

Distance = Literal["cosine", "euclidean", "manhattan"]
Reads = tuple[Literal["second", "negatives", "score", "group", "teacher"], ...]

USE = "which objective"
SCALE = "factor on cosines (inverse temperature)"
DISTANCE = "what is measured between two vectors; a cosine distance is 1 - cosine"
MARGIN = "how far apart texts must be that do not belong together"
RETRIEVAL: tuple[RankMetric, ...] = ("accuracy@1", "mrr", "accuracy@10", "ndcg@10")
NEIGHBOURS: tuple[RankMetric, ...] = ("accuracy@1", "mrr")
SIMILARITY: tuple[NumberMetric, ...] = ("spearman", "pearson")
PAIRS = ("ap", "best-accuracy")


@frozen
class RankingObjective:
    """The answer of each first text must score higher than all others of the batch.

    The other answers are its negatives, and so are the texts of the columns `negatives`; an answer of the
    same text, or to the same first text, is none. This is InfoNCE (van den Oord et al. 2018,
    arXiv:1807.03748, equation 4) of cosines, with a temperature of 1/`scale`. Larger batches have more
    negatives: see the head's `cached`.

    Source: Henderson et al. 2017, arXiv:1705.00652, section 4.4; `symmetric` as in Günther et al. 2023,
    arXiv:2310.19923, section 5.2.
    """

    reads: ClassVar[Reads] = ("second", "negatives")
    coupled: ClassVar[bool] = True
    measures: ClassVar[tuple[str, ...]] = RETRIEVAL
    use: Literal["multiple-negatives-ranking"] = option(USE)
    scale: Annotated[float, Gt(0)] = option(SCALE, 20.0)
    symmetric: bool = option(
        "also rank the first texts for each second one; the loss is the mean of both", False
    )


@frozen
class GistObjective:
    """Ranking whose false negatives a guide finds: other texts that it finds nearer than the right answer.

    The guide is any embedding model, and its vectors are columns of the data, computed once before training.
    Negatives are the other answers, the first texts, the answers among themselves, and `negatives`.

    Source: Solatorio 2024, arXiv:2402.16829, section 3.2.
    """

    reads: ClassVar[Reads] = ("second", "negatives")
    coupled: ClassVar[bool] = True
    measures: ClassVar[tuple[str, ...]] = RETRIEVAL
    use: Literal["gist"] = option(USE)
    guide: Annotated[tuple[str, ...], MinLen(2)] = option(
        "columns of the guide's vectors (lists of numbers) of `first`, `second` and each of `negatives`"
    )
    scale: Annotated[float, Gt(0)] = option(SCALE, 100.0)
    margin: Annotated[float, Ge(0)] = option(
        "negatives must be less similar than the answer by this much, as the guide sees it", 0.0
    )
    relative: bool = option("the margin is a share of the answer's similarity", False)
    firsts: bool = option("the other first texts are negatives too", True)
    seconds: bool = option("answers are also told from each other", True)


@frozen
class CosineSimilarityObjective:
    """The cosine of two texts is to be their score: the squared difference.

    Source: Reimers & Gurevych 2019, arXiv:1908.10084, section 3, "Regression Objective Function".
    """

    reads: ClassVar[Reads] = ("second", "score")
    coupled: ClassVar[bool] = False
    measures: ClassVar[tuple[str, ...]] = SIMILARITY
    use: Literal["cosine-similarity"] = option(USE)


@frozen
class CosentObjective:
    """Pairs of texts are to have the order of their scores; what the scores are does not matter.

    Source: Huang et al. 2024, "CoSENT: Consistent Sentence Embedding via Similarity Ranking".
    """

    reads: ClassVar[Reads] = ("second", "score")
    coupled: ClassVar[bool] = True
    measures: ClassVar[tuple[str, ...]] = SIMILARITY
    use: Literal["cosent"] = option(USE)
    scale: Annotated[float, Gt(0)] = option(SCALE, 20.0)


@frozen
class AngleObjective:
    """As cosent, of angles in the complex plane, where the gradient does not vanish near cosine 1.

    Source: Li & Li 2024, arXiv:2309.12871, equations 5 to 8, with the similarity as sentence-transformers
    has it: |cosine + sine| of vectors of length 1.
    """

    reads: ClassVar[Reads] = ("second", "score")
    coupled: ClassVar[bool] = True
    measures: ClassVar[tuple[str, ...]] = SIMILARITY
    use: Literal["angle"] = option(USE)
    scale: Annotated[float, Gt(0)] = option("factor on similarities (inverse temperature)", 20.0)


@frozen
class ContrastiveObjective:
    """Pairs of score 1 are pulled together, those of score 0 pushed apart until the margin.

    Source: Hadsell, Chopra & LeCun 2006, "Dimensionality Reduction by Learning an Invariant Mapping",
    equation 4.
    """

    reads: ClassVar[Reads] = ("second", "score")
    coupled: ClassVar[bool] = False
    measures: ClassVar[tuple[str, ...]] = PAIRS
    use: Literal["contrastive"] = option(USE)
    distance: Distance = option(DISTANCE, "cosine")
    margin: Annotated[float, Gt(0)] = option(MARGIN, 0.5)


@frozen
class OnlineContrastiveObjective:
    """Contrastive, of the hard pairs of a batch alone.

    Hard are those of score 1 that are further apart than the nearest of score 0, and those of score 0 that
    are nearer than the furthest of score 1.

    Source: sentence-transformers' OnlineContrastiveLoss.
    """

    reads: ClassVar[Reads] = ("second", "score")
    coupled: ClassVar[bool] = True
    measures: ClassVar[tuple[str, ...]] = PAIRS
    use: Literal["online-contrastive"] = option(USE)
    distance: Distance = option(DISTANCE, "cosine")
    margin: Annotated[float, Gt(0)] = option(MARGIN, 0.5)


@frozen
class TripletObjective:
    """`first` is to be nearer to `second` than to the text of the column in `negatives`, by a margin.

    Source: Schroff et al. 2015, arXiv:1503.03832, equation 3, with distances that are not squared.
    """

    reads: ClassVar[Reads] = ("second", "negatives")
    coupled: ClassVar[bool] = False
    measures: ClassVar[tuple[str, ...]] = ("triplet-accuracy",)
    use: Literal["triplet"] = option(USE)
    distance: Distance = option(DISTANCE, "cosine")
    margin: Annotated[float, Gt(0)] = option("how much nearer", 0.5)


@frozen
class BatchTripletObjective:
    """Texts of one group are to be nearer to each other than to those of other groups.

    Of each batch, "hard" takes for every text the furthest of its group and the nearest of another one,
    "semi-hard" for every pair of a group the nearest that is still further away than the pair, and "all"
    every triplet within the margin. The margin "soft" takes log(1 + exp) in place of the hinge.

    Source: Hermans, Beyer & Leibe 2017, arXiv:1703.07737, equations 5 and 6 and section 2, "soft-margin";
    semi-hard: Schroff et al. 2015, arXiv:1503.03832, section 3.2.

    Raises:
        ValueError: when the margin is "soft" and triplets are not the hard ones.
    """

    reads: ClassVar[Reads] = ("group",)
    coupled: ClassVar[bool] = True
    measures: ClassVar[tuple[str, ...]] = NEIGHBOURS
    use: Literal["batch-triplet"] = option(USE)
    triplets: Literal["hard", "semi-hard", "all"] = option("which triplets of a batch", "hard")
    distance: Distance = option(DISTANCE, "cosine")
    margin: Annotated[float, Gt(0)] | Literal["soft"] = option('how much nearer, or "soft"', 0.5)

    def __attrs_post_init__(self) -> None:
        if self.margin == "soft" and self.triplets != "hard":
            raise ValueError(f'the margin "soft" is for hard triplets; triplets is "{self.triplets}"')


@frozen
class MarginMseObjective:
    """How much more similar `first` is to `second` than to each negative is to be what a teacher says.

    The column `score` has the teacher's difference, a number, or a list of one for each of `negatives`.

    Source: Hofstätter et al. 2020, arXiv:2010.02666, equation 8.
    """

    reads: ClassVar[Reads] = ("second", "negatives", "score")
    coupled: ClassVar[bool] = False
    measures: ClassVar[tuple[str, ...]] = ("triplet-accuracy", "mae")
    use: Literal["margin-mse"] = option(USE)
    similarity: Literal["dot", "cosine"] = option("similarity of two vectors", "dot")


@frozen
class MseObjective:
    """The vector of `first` is to be that of a teacher, in the column `teacher`.

    Where the head's vectors are of length 1 (`normalize`), the teacher's are made so too.

    Source: Reimers & Gurevych 2020, arXiv:2004.09813, section 3, equation 1.
    """

    reads: ClassVar[Reads] = ("teacher",)
    coupled: ClassVar[bool] = False
    measures: ClassVar[tuple[str, ...]] = ("cosine", "rmse")
    use: Literal["mse"] = option(USE)
    size: Annotated[int, Ge(1)] = option("size of the teacher's vectors", unit="dimensions")


@frozen
class SimcseObjective:
    """Each text against itself, encoded twice with dropout of its own, and all others; no labels.

    Source: Gao, Yao & Chen 2021, arXiv:2104.08821, section 3, equation 4.
    """

    reads: ClassVar[Reads] = ()
    coupled: ClassVar[bool] = True
    measures: ClassVar[tuple[str, ...]] = ("anisotropy",)
    use: Literal["simcse"] = option(USE)
    scale: Annotated[float, Gt(0)] = option(SCALE, 20.0)


@frozen
class DenoisingObjective:
    """A text is written again from the vector of what is left of it when tokens are deleted (TSDAE).

    The decoder that does so has causal self-attention and sees the text through that vector alone. Its
    embeddings are those of the backbone where they are of the vector's size. After training it is not needed.

    Source: Wang, Reimers & Gurevych 2021, arXiv:2104.06979, section 3; the decoder there is as deep as the
    encoder and shares its weights.
    """

    reads: ClassVar[Reads] = ()
    coupled: ClassVar[bool] = False
    measures: ClassVar[tuple[str, ...]] = ("anisotropy",)
    use: Literal["denoising"] = option(USE)
    deleted: Annotated[float, Gt(0), Lt(1)] = option("share of the tokens that is deleted", 0.6)
    blocks: Annotated[int, Ge(1), Le(200)] = option("how many blocks the decoder has", 1, unit="blocks")


Plain = (
    RankingObjective
    | GistObjective
    | CosineSimilarityObjective
    | CosentObjective
    | AngleObjective
    | ContrastiveObjective
    | OnlineContrastiveObjective
    | TripletObjective
    | BatchTripletObjective
    | MarginMseObjective
    | MseObjective
    | SimcseObjective
)
PlainName = Literal[
    "multiple-negatives-ranking",
    "gist",
    "cosine-similarity",
    "cosent",
    "angle",
    "contrastive",
    "online-contrastive",
    "triplet",
    "batch-triplet",
    "margin-mse",
    "mse",
    "simcse",
]
INNER = "the objective at each of them"


@frozen
class MatryoshkaObjective:
    """Another objective, of the first dimensions of the vectors too, so that vectors can be cut short.

    Cut vectors are made of length 1 again where the head's are (`normalize`). The first metric of the
    objective is also measured at each of the dimensions, as `accuracy@1-64d`.

    Source: Kusupati et al. 2022, arXiv:2205.13147, equation 1.

    Raises:
        ValueError: when a dimension is listed twice, or there are not as many weights as dimensions.
    """

    use: Literal["matryoshka"] = option(USE)
    dims: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = option(
        "how many dimensions are kept; list all of them too, unless only short vectors matter",
        unit="dimensions",
    )
    objective: PlainName | Plain = option(INNER, "multiple-negatives-ranking")
    weights: tuple[Annotated[float, Ge(0)], ...] = option("weight of each in the loss; by default all 1", ())

    def __attrs_post_init__(self) -> None:
        made(self.objective)
        if len(set(self.dims)) < len(self.dims):
            raise ValueError(f"dims {list(self.dims)} has a dimension twice")
        if self.weights and len(self.weights) != len(self.dims):
            raise ValueError(f"there are {len(self.weights)} weights for {len(self.dims)} dims")


@frozen
class AdaptiveLayerObjective:
    """Another objective, of the vectors of lower layers too, so that upper blocks can be left out.

    Each lower layer's vectors are also drawn to those of the last one, by the Kullback-Leibler divergence of
    their softmax. With a matryoshka inside these are 2D matryoshka embeddings.

    Source: Li et al. 2024, arXiv:2402.14776, equations 3 to 7.
    """

    use: Literal["adaptive-layer"] = option(USE)
    objective: PlainName | Plain | MatryoshkaObjective = option(INNER, "multiple-negatives-ranking")
    layers: tuple[Annotated[int, Ge(0)], ...] = option(
        "depths of the lower layers, 0 the embeddings, i after block i; by default all blocks below the last",
        (),
    )
    last_weight: Annotated[float, Ge(0)] = option("weight of the last layer in the loss", 1.0)
    prior_weight: Annotated[float, Ge(0)] = option("weight of the mean of the lower layers", 1.0)
    weighting: Literal["uniform", "log", "linear"] = option(
        "factor of layer i among them: 1, 1/(1 + ln(1 + i)) or 1/(1 + i)", "uniform"
    )
    kl_weight: Annotated[float, Ge(0)] = option("weight of the divergence", 1.0)
    kl_temperature: Annotated[float, Gt(0)] = option("vectors are divided by this before the softmax", 0.3)

    def __attrs_post_init__(self) -> None:
        made(self.objective)
        if len(set(self.layers)) < len(self.layers):
            raise ValueError(f"layers {list(self.layers)} has a depth twice")


Innermost = Plain | DenoisingObjective
Objective = Innermost | MatryoshkaObjective | AdaptiveLayerObjective
ObjectiveName = Literal[PlainName, "denoising", "matryoshka", "adaptive-layer"]

CLASSES: Mapping[str, Callable[[str], Objective]] = {
    get_args(each.__annotations__["use"])[0]: each for each in get_args(Objective)
}


def made(objective: ObjectiveName | Objective) -> Objective:
    """The objective itself, where a recipe may have written only its name.

    Raises:
        ValueError: when it has options without a default, so that the name is not enough.
    """
    if not isinstance(objective, str):
        return objective
    cls: Any = CLASSES[objective]
    try:
        found: Objective = cls(objective)
    except TypeError:
        needed = [field.name for field in fields(cls) if field.default is NOTHING][1:]
        table = ", ".join([f'use = "{objective}"', *(f"{name} = …" for name in needed)])
        raise ValueError(f"{objective} has options to set; write objective = {{ {table} }}") from None
    return found


def innermost(objective: ObjectiveName | Objective) -> Innermost:
    """What is inside all wrappers."""
    found = made(objective)
    while isinstance(found, MatryoshkaObjective | AdaptiveLayerObjective):
        found = made(found.objective)
    return found


def cut_to(objective: ObjectiveName | Objective) -> tuple[int, ...]:
    """The dimensions of the matryoshka among the wrappers; empty without one."""
    found = made(objective)
    if isinstance(found, AdaptiveLayerObjective):
        found = made(found.objective)
    return found.dims if isinstance(found, MatryoshkaObjective) else ()
