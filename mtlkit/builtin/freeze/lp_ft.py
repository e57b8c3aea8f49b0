"""First the heads alone, then everything.

Source: Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform
Out-of-Distribution" (LP-FT).
"""

from typing import ClassVar

from attrs import frozen

from mtlkit.builtin.freeze.plateau import task_of
from mtlkit.builtin.freeze.triggers import Until, came_true, metrics_in
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.progress import Progress

PROBE, EVERYTHING = "probe", "everything"


@frozen
class LpFt(FreezePolicy):
    """Linear probing until a length is over or a metric stops getting better, then full fine-tuning.

    Helps: on rows like the training rows and on others: a head that fits before the backbone moves distorts
    its features less (Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform
    Out-of-Distribution", arXiv:2202.10054).

    Does not help: no evidence known to us.
    """

    monotone: ClassVar[bool] = True

    until: Until = option(
        'when probing ends: "1ep", or { metric = "TASK/NAME", patience = 3 }, as for the policy phases'
    )

    def phase(self, progress: Progress) -> str:
        """Probe or everything."""
        return PROBE if came_true(self.until, 0, progress) is None else EVERYTHING

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether probing is over or the weight belongs to a head."""
        return phase == EVERYTHING or row.owner != BACKBONE

    def stages(self) -> tuple[str, ...]:
        """Both."""
        return (PROBE, EVERYTHING)

    def metrics(self) -> tuple[str, ...]:
        """The metrics that may end the probing."""
        return metrics_in(self.until)

    def tasks(self) -> tuple[str, ...]:
        """The tasks of these metrics."""
        return tuple(dict.fromkeys(map(task_of, self.metrics())))
