"""The heads for whole texts, with rows that they can read; every label is in the column `label`."""

from mtlkit.builtin.heads.class_options import PairClassification, SequenceClassification
from mtlkit.builtin.heads.distillation import DistillationHead
from mtlkit.builtin.heads.label_distribution import LabelDistributionHead
from mtlkit.builtin.heads.label_options import LabelDistribution, MultiLabelClassification, Ordinal
from mtlkit.builtin.heads.multi_label_classification import MultiLabelClassificationHead
from mtlkit.builtin.heads.number_options import Distillation, Regression
from mtlkit.builtin.heads.ordinal import OrdinalHead
from mtlkit.builtin.heads.pair_classification import PairClassificationHead
from mtlkit.builtin.heads.probe_options import Prototype
from mtlkit.builtin.heads.prototype import PrototypeHead
from mtlkit.builtin.heads.regression import RegressionHead
from mtlkit.builtin.heads.sequence_classification import SequenceClassificationHead
from mtlkit.contracts.head import HeadContext

HIDDEN = 6
CLASSES = ("a", "b", "c")


def made(head, options, defaults=None):
    """What builds the head with such options for classes a, b and c, over a backbone of 2 blocks."""

    def make(**given):
        context = HeadContext("t", HIDDEN, CLASSES, depth=2)
        return head(options(**{**(defaults or {}), **given}), context)

    return make


PLAIN = {"dropout": 0.0}
sequence = made(SequenceClassificationHead, SequenceClassification, PLAIN)
pair = made(PairClassificationHead, PairClassification, PLAIN)
multi = made(MultiLabelClassificationHead, MultiLabelClassification, {"label": "label", **PLAIN})
number = made(RegressionHead, Regression, PLAIN)
levels = made(OrdinalHead, Ordinal, {"labels": ("a", "b", "c", "d"), **PLAIN})
shares = made(LabelDistributionHead, LabelDistribution, {"label": "label", **PLAIN})
student = made(DistillationHead, Distillation, {"teacher": "label", **PLAIN})
prototype = made(PrototypeHead, Prototype)


def rows_of(labels):
    return [{"text": f"q{at}", "text_pair": f"a{at}", "label": label} for at, label in enumerate(labels)]


LABELLED = rows_of(["a", None, "c", "b", "", "a"])
SEVERAL = rows_of([["a", "c"], None, "b", [], "", ["c", "b", "a"]])
NUMBERS = rows_of([0.5, None, "3", 1, "", 2.5])
VOTES = rows_of([["a", "c", "a"], None, "b", ["b", "c"], "", ["c", "b", "a"]])
SAID = rows_of([[0.1, -2, 3], None, [0, 0.5, 0.25], [1, 1, -1], "", [2, 0, 0]])

TEXT_CASES = {
    "pair-cross": (pair, LABELLED),
    "pair-bi": (
        lambda: pair(encoder="bi", combine=("product", "concat", "difference"), layers=(0, -1)),
        LABELLED,
    ),
    "attention-mix": (lambda: sequence(pooling="attention", layers="mix"), LABELLED),
    "multi": (lambda: multi(class_weights={"a": 2.5, "c": 0.5}, label_smoothing=0.1), SEVERAL),
    "number-huber": (lambda: number(loss="huber", delta=0.3, range=(0.0, 3.0), limit="sigmoid"), NUMBERS),
    "number-mse": (lambda: number(hidden=(4, 4), activation="tanh"), NUMBERS),
    "levels-coral": (levels, LABELLED),
    "levels-corn": (lambda: levels(method="corn"), LABELLED),
    "shares-kl": (shares, VOTES),
    "shares-js": (lambda: shares(divergence="js"), VOTES),
    "student-logits": (lambda: student(labels=CLASSES), SAID),
    "student-cosine": (lambda: student(target="embedding", size=3, distance="cosine"), SAID),
    "prototype-cosine": (lambda: prototype(scale=2.0), LABELLED),
    "prototype-euclidean": (lambda: prototype(distance="euclidean", scale=0.5, dim=3), LABELLED),
    "prototype-means": (lambda: prototype(prototypes="means", scale=2.0, dim=3), LABELLED),
}
COUPLED_TEXT = {"prototype-means"}
