from mtlkit.builtin.heads.embedding_options import SentenceEmbedding
from mtlkit.builtin.heads.number_options import Regression
from mtlkit.builtin.metrics.names import lower_of
from mtlkit.plan.selection import lower_is_better


def test_of_which_metrics_lower_is_better():
    assert lower_of(("accuracy", "rmse", "mae-64d", "accuracy-64d", "perplexity")) == (
        "rmse",
        "mae-64d",
        "perplexity",
    )
    assert lower_of(()) == ()


def test_heads_name_theirs_those_of_shorter_vectors_too():
    assert Regression().lower_is_better == ("mae", "rmse")
    cut = SentenceEmbedding(objective="simcse")
    assert cut.lower_is_better == ("anisotropy",)
    assert lower_is_better("anisotropy", cut)
    assert not lower_is_better("spearman", Regression())
