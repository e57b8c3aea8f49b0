import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlkit.builtin.optimizers.no_decay import NO_DECAY
from mtlkit.builtin.optimizers.options import Adafactor, Adam, AdamW, Lion, Sgd
from mtlkit.builtin.optimizers.torch_options import Torch
from mtlkit.contracts.selectors import parse
from mtlkit.testing.strategies import param_tables

MAKERS = {
    "adamw": AdamW,
    "adam": Adam,
    "sgd": Sgd,
    "adafactor": Adafactor,
    "lion": Lion,
    "torch": lambda **more: Torch("RAdam", **more),
}
SELECTORS = ("type:bias", "type:embedding", "blocks[0:2]", "blocks[1::2]", "!blocks", "heads", "backbone.*")


@pytest.mark.parametrize("name", MAKERS)
@given(param_tables(), st.lists(st.sampled_from(SELECTORS), unique=True))
def test_what_a_selector_means_does_not_decay(name, table, selectors):
    options = MAKERS[name](weight_decay=0.3, no_decay=tuple(selectors))
    for row in table:
        exempt = any(parse(text).matches(row, table) for text in selectors)
        assert options.decay(row) == (0.0 if exempt else 0.3)


@pytest.mark.parametrize("name", MAKERS)
def test_selectors_are_checked_and_told(name):
    make = MAKERS[name]
    assert make().patterns() == make().tasks() == ()
    options = make(no_decay=(*NO_DECAY, "head.news & type:weight"))
    assert options.patterns() == ("head.news & type:weight",)
    assert options.tasks() == ("news",)
    with pytest.raises(ValueError, match="expected"):
        make(no_decay=("type:",))
    with pytest.raises(ValueError, match=r".") as caught:
        make(no_decay=("heads", "blocks[-2:]"))
    assert str(caught.value) == (
        "'blocks[-2:]' counts blocks from the output; count them from 0, as in blocks[10:]"
    )
