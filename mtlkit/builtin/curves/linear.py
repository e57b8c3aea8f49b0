"""A straight fall to the floor at the end of the run: as `linear` of transformers where the floor is 0."""

from typing import Annotated, ClassVar

from annotated_types import Ge, Le
from attrs import frozen

from mtlkit.builtin.curves.rewarm import AT_ONCE, REWARM, REWARM_SCOPE, Scope, rewarmed
from mtlkit.builtin.curves.warmup import warmed
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import Curve


@frozen
class Linear(Curve):
    """From 1 after the warm-up down to `floor`, the same amount with each step.

    Helps: a good default: it held up against the other curves over many problems (Defazio et al. 2023,
    "When, Why and How Much? Adaptive Learning Rate Scheduling by Refinement", arXiv:2310.07831), and BERT
    is fine-tuned with it (Devlin et al. 2019, arXiv:1810.04805).

    Does not help: where the length of the run is not known: the fall has to end with it.
    """

    one_peak: ClassVar[bool] = True

    floor: Annotated[float, Ge(0), Le(1)] = option("the factor at the end of the run", 0.0)
    warmup: Duration = option("how long the rates rise from 0", Duration(0, "st"))
    rewarm: Duration = option(REWARM, AT_ONCE)
    rewarm_scope: Scope = option(REWARM_SCOPE, "group")

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step."""
        return rewarmed(warmed(progress, self.warmup, self._fall), progress, age, self.rewarm)

    def _fall(self, done: int, span: int) -> float:
        return (span - done) / max(1, span) * (1 - self.floor) + self.floor
