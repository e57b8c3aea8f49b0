"""Train the norms and the heads, freeze all other weights.

Source: Frankle, Schwab & Morcos 2021, "Training BatchNorm and Only BatchNorm: On the Expressive Power of
Random Features in CNNs". There the norms alone train; here the heads, which are new, train with them.
"""

from typing import ClassVar

from attrs import frozen

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.selectors import parse

NORMS = f"{BACKBONE} & type:norm"


@frozen
class NormOnly(FreezePolicy):
    """Of the backbone only scales and biases of norms train; the heads train.

    A backbone without any norm is an error.

    Helps: where hardly any weight may train: better than other methods with as few (Qi et al. 2022,
    "Parameter-Efficient Tuning on Layer Normalization for Pre-trained Language Models", arXiv:2211.08682).

    Does not help: it is well below full training where features are random (Frankle, Schwab & Morcos 2021,
    arXiv:2003.00152), so the further a task is from pre-training, the less to expect.
    """

    monotone: ClassVar[bool] = True

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight is of a norm or belongs to a head."""
        return row.owner != BACKBONE or parse(NORMS).matches(row, table)

    def patterns(self) -> tuple[str, ...]:
        """What is a norm."""
        return (NORMS,)
