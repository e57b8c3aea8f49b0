"""Freeze nothing: every weight trains from the first step."""

from typing import ClassVar

from attrs import frozen

from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.params import ParamTable, Row


@frozen
class FreezeNone(FreezePolicy):
    """Every weight trains (full fine-tuning).

    Helps: the usual choice where rows and time suffice. It does better than frozen features on rows like
    those it was trained on (Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and
    Underperform Out-of-Distribution", arXiv:2202.10054).

    Does not help: on rows unlike the training rows, where features were good before and are distorted by
    training, frozen features can do better (the same paper). It takes the most memory and time of all
    policies.
    """

    monotone: ClassVar[bool] = True

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Yes, for every weight."""
        return True
