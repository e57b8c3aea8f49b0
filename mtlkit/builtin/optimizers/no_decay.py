"""Which weights do not decay: selectors, the same option in every optimizer.

By default biases and the weights of norms, as in the code of BERT (Devlin et al. 2019). Weight decay is a
function of the weight alone, the same in every model; so blocks are counted from the input here, where
their numbers do not depend on how many there are.
"""

import re
from collections.abc import Sequence

from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.selectors import parse

NO_DECAY = ("type:bias", "type:norm")
NO_DECAY_DOC = "selectors of the weights that do not decay"
FROM_THE_TOP = re.compile(r"blocks\[[^\]]*-")
ANY_MODEL = ParamTable((), 10**9)
"""Blocks numbered from 0 are the same ones in any model that has them."""


def check_no_decay(selectors: Sequence[str]) -> None:
    """Check the selectors of an options object.

    Raises:
        ValueError: when a text is no selector, or counts blocks from the output.
    """
    for text in selectors:
        parse(text)
        if FROM_THE_TOP.search(text):
            raise ValueError(f"{text!r} counts blocks from the output; count them from 0, as in blocks[10:]")


def decay_of(row: Row, weight_decay: float, selectors: Sequence[str]) -> float:
    """`weight_decay`, or 0 for a weight that one of the selectors means."""
    exempt = any(parse(text).matches(row, ANY_MODEL) for text in selectors)
    return 0.0 if exempt else weight_decay


def must_match(selectors: Sequence[str]) -> tuple[str, ...]:
    """The selectors that must mean a weight of the model: all but the default ones."""
    return tuple(text for text in selectors if text not in NO_DECAY)


def tasks_in(selectors: Sequence[str]) -> tuple[str, ...]:
    """The tasks that the selectors name, each once."""
    return tuple(dict.fromkeys(task for text in selectors for task in parse(text).tasks))
