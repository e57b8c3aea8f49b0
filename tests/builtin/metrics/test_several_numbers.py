import numpy as np
from scipy.stats import pearsonr

from mtlkit.builtin.metrics.several_numbers import of_several_numbers


def test_it_is_the_mean_over_the_targets_of_their_known_rows():
    rng = np.random.default_rng(0)
    predicted, gold = rng.normal(size=(2, 8, 3))
    gold[2, 0] = gold[5:, 1] = np.nan
    gold[:, 2] = np.nan
    pearson, mae = of_several_numbers(("pearson", "mae"), predicted, gold)
    known = [~np.isnan(gold[:, target]) for target in (0, 1)]
    wanted = [pearsonr(predicted[rows, at], gold[rows, at])[0] for at, rows in enumerate(known)]
    assert np.isclose(pearson.compute(pearson.records), np.mean(wanted))
    assert (pearson.higher_is_better, mae.higher_is_better) == (True, False)
    assert pearson.records.shape == (8, 6)


def test_of_one_target_it_is_the_metric():
    predicted, gold = np.asarray([[1.0], [2], [4]]), np.asarray([[1.0], [3], [5]])
    [mae] = of_several_numbers(("mae",), predicted, gold)
    assert mae.compute(mae.records) == 2 / 3
    assert mae.compute(mae.records[[1, 1]]) == 1
