"""Intervals of metrics are those of scipy's percentile bootstrap."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap

from mtlkit.contracts.head import Measure
from mtlkit.engine.evaluate import CONFIDENCE, RESAMPLES, scores
from mtlkit.engine.seeds import derive

records = st.lists(st.floats(-5, 5), min_size=2, max_size=30)


@settings(max_examples=10)
@given(records, st.integers(0, 2**31))
def test_the_interval_is_that_of_scipy(numbers, seed):
    values = np.asarray(numbers)[:, None]
    found = scores({"a/mean": Measure("mean", values, lambda chosen: float(chosen.mean()))}, seed)["a/mean"]
    theirs = bootstrap(
        (np.arange(len(values)),),
        lambda rows: float(values[rows].mean()),
        n_resamples=RESAMPLES,
        vectorized=False,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(derive(seed, "bootstrap", "a/mean")),
    ).confidence_interval
    assert found.value == values.mean()
    assert found.low == pytest.approx(theirs.low, abs=1e-12, nan_ok=True)
    assert found.high == pytest.approx(theirs.high, abs=1e-12, nan_ok=True)
    assert found.low <= found.high


def test_there_is_no_interval_where_a_sample_has_no_value():
    values = np.asarray([[0.0], [1.0]])
    found = scores(
        {"a/x": Measure("x", values, lambda chosen: 1 / chosen.sum() if chosen.sum() else np.nan)}, 1
    )
    assert found["a/x"].value == 1
    assert np.isnan([found["a/x"].low, found["a/x"].high]).all()
