"""Up, level, down: a constant rate whose fall comes only at the end (WSD, trapezoidal).

Source: Hu et al. 2024, "MiniCPM" (arXiv:2404.06395), §4; Hägele et al. 2024, "Scaling Laws and
Compute-Optimal Training Beyond Fixed Training Durations" (arXiv:2405.18392), whose 1 - sqrt fall is `sqrt`.
As `warmup_stable_decay` of transformers, but for the warm-up, which begins at 0 whatever the floor is and
there at the floor.
"""

from math import cos, pi, sqrt
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Le
from attrs import frozen

from mtlkit.builtin.curves.rewarm import AT_ONCE, REWARM, REWARM_SCOPE, Scope, rewarmed
from mtlkit.builtin.curves.warmup import warmed
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.options import option
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import Curve


@frozen
class WarmupStableDecay(Curve):
    """1 after the warm-up, and over the last `decay` of the run down to `floor`.

    Where warm-up and fall do not both fit, the warm-up is whole and the fall has what is left.

    Helps: while the length of a run is not settled, since it can be continued from any step before the
    fall; in pre-training as good as a cosine of the right length (Hu et al. 2024; Hägele et al. 2024).

    Does not help: in fine-tuning, no evidence known to us.
    """

    one_peak: ClassVar[bool] = True

    decay: Duration = option("how long the fall at the end of the run lasts", Duration(10, "%"))
    shape: Literal["linear", "cosine", "sqrt"] = option(
        "the form of the fall; sqrt is 1 - √share, steep at first", "linear"
    )
    floor: Annotated[float, Ge(0), Le(1)] = option("the factor at the end of the run", 0.0)
    warmup: Duration = option("how long the rates rise from 0", Duration(0, "st"))
    rewarm: Duration = option(REWARM, AT_ONCE)
    rewarm_scope: Scope = option(REWARM_SCOPE, "group")

    def factor(self, progress: Progress, age: int) -> float:
        """The factor of the coming step."""
        length = progress.steps(self.decay)
        factor = warmed(progress, self.warmup, lambda done, span: self._fall(done, span, length))
        return rewarmed(factor, progress, age, self.rewarm)

    def _fall(self, done: int, span: int, length: int) -> float:
        begin = max(0, span - length)
        if done <= begin:
            return 1.0
        share = (done - begin) / (span - begin)
        left = {"linear": 1 - share, "cosine": 0.5 * (1 + cos(pi * share)), "sqrt": 1 - sqrt(share)}
        return left[self.shape] * (1 - self.floor) + self.floor
