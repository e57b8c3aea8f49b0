import numpy as np
import torch
from torch.nn import functional as F

from mtlkit.builtin.metrics.perplexity import perplexity


def test_perplexity_is_e_to_the_cross_entropy_of_all_tokens():
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(10, 7, generator=generator)
    wanted = torch.randint(7, (10,), generator=generator)
    losses = F.cross_entropy(scores, wanted, reduction="none")
    rows = [losses[:3], losses[3:3], losses[3:]]
    measure = perplexity(np.asarray([float(row.sum()) for row in rows]), np.asarray([3, 0, 7]))
    assert np.isclose(measure.compute(measure.records), float(F.cross_entropy(scores, wanted).exp()))
    assert not measure.higher_is_better


def test_extremes_are_numbers():
    measure = perplexity(np.asarray([1e9, 0.0]), np.asarray([1, 0]))
    assert np.isfinite(measure.compute(measure.records[:1]))
    assert measure.compute(measure.records[1:]) == 1.0
