"""Train adapters and heads alone.

Source: Houlsby et al. 2019, "Parameter-Efficient Transfer Learning for NLP" (arXiv:1902.00751), which trains
the norms too; Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models" (arXiv:2106.09685), which
does not.
"""

from typing import ClassVar

from attrs import frozen

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.selectors import ADAPTER


@frozen
class AdaptersOnly(FreezePolicy):
    """Of the backbone only what adapters brought trains; the heads train.

    A model without adapters is an error.

    Helps: many tasks on one backbone, or a backbone too large to train: near to full fine-tuning with few
    weights (Houlsby et al. 2019, arXiv:1902.00751; Hu et al. 2021, arXiv:2106.09685). It forgets less of
    what it knew (Biderman et al. 2024, "LoRA Learns Less and Forgets Less", arXiv:2405.09673).

    Does not help: where much that is new has to be learned: on code and mathematics LoRA stayed below full
    fine-tuning (Biderman et al. 2024).
    """

    monotone: ClassVar[bool] = True

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight is an adapter's or a head's."""
        return row.owner != BACKBONE or row.adapter

    def patterns(self) -> tuple[str, ...]:
        """The selector of adapters, which must match something."""
        return (ADAPTER,)
