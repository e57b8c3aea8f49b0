import re

import pytest
import torch
from head_cases import features_of
from text_head_cases import LABELLED, pair
from torch.nn import functional as F

from mtlkit.builtin.heads.class_options import PairClassification
from mtlkit.builtin.heads.pair_classification import combined


def test_a_cross_encoder_reads_both_texts_at_once():
    head = pair()
    assert head.views == (("text", "text_pair"),)
    assert head.tower.output.weight.shape == (3, 6)


def test_a_bi_encoder_reads_each_text_on_its_own():
    head = pair(encoder="bi")
    assert head.views == (("text",), ("text_pair",))
    first, second = (view.pooled for view in features_of(head, LABELLED))
    joined = torch.cat([first, second, (first - second).abs()], -1)  # Reimers and Gurevych 2019, section 3
    wanted = F.linear(joined, head.tower.output.weight, head.tower.output.bias)
    torch.testing.assert_close(head(features_of(head, LABELLED)), wanted)


def test_the_modes_stand_in_their_order():
    first, second = torch.tensor([[1.0, -2.0]]), torch.tensor([[3.0, 5.0]])
    assert combined(first, second, ("product", "difference", "concat")).tolist() == [
        [3, -10, 2, 7, 1, -2, 3, 5]
    ]


@pytest.mark.parametrize("combine", [(), ("concat", "concat")])
def test_modes_that_are_wrong(combine):
    message = f"combine is {list(combine)}; it should be some of concat, difference, product"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        PairClassification(combine=combine)


def test_a_label_is_not_listed_and_ignored():
    with pytest.raises(ValueError, match="'a' is in `labels` and in `ignore`"):
        PairClassification(labels=("a", "b"), ignore=("a",))
