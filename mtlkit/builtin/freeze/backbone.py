"""Freeze the backbone: only the heads train (linear probing, feature extraction)."""

from typing import ClassVar

from attrs import frozen

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.params import BACKBONE, ParamTable, Row


@frozen
class FreezeBackbone(FreezePolicy):
    """The heads train, the backbone does not.

    Helps: where pre-trained features are good and the rows to come differ from the training rows (Kumar et
    al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution",
    arXiv:2202.10054), and where time is short: frozen features are computed once.

    Does not help: where accuracy on rows like the training rows is all that counts (the same paper). How
    near fine-tuning and frozen features come depends on how alike the task and pre-training are (Peters,
    Ruder & Smith 2019, "To Tune or Not to Tune?", arXiv:1903.05987).
    """

    monotone: ClassVar[bool] = True

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the weight belongs to a head."""
        return row.owner != BACKBONE
