"""Freeze the layers one after the other from the bottom, on a schedule.

Source: Brock et al. 2017, "FreezeOut: Accelerate Training by Progressively Freezing Layers".
There the rate of a layer also falls to 0 along a cosine until it freezes; rates are not a freeze policy's.
"""

from bisect import bisect_left, bisect_right
from typing import ClassVar, Literal

from attrs import frozen

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import FreezePolicy
from mtlkit.contracts.options import option
from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.progress import Progress

LAYERS = 49
# A policy does not see the table when it names its phase: a phase is a place among all shares i / n of the
# layers of models with up to so many layers, and each model meets those that are its own.
SHARES = tuple(sorted({layer / layers for layers in range(1, LAYERS + 1) for layer in range(layers + 1)}))


@frozen
class FreezeOut(FreezePolicy):
    """Layer i of 0…L, the embeddings first, freezes for good at the share t_i of the run; the rest trains.

    t_i = t_0 + (1 - t_0) · i / (L + 1) with t_0 = `start` as a share of the run, and the cube of that where
    `spacing` is "cubic", which freezes everything earlier. What follows the last block and the heads are
    layer L + 1 and train to the end. Steps are rounded to the nearest. With more than 48 blocks a layer may
    freeze up to 2 % of the run late.

    Helps: time, in training image networks from scratch; ResNets lost no accuracy (Brock et al. 2017,
    arXiv:1706.04983).

    Does not help: DenseNets lost 3 % of accuracy, and VGG gained nothing (the same paper). In fine-tuning, no
    evidence known to us.
    """

    stretches: ClassVar[bool] = False  # t_i is rounded to a step, n · t_i to another

    start: Duration = option("when the embeddings freeze, before it is cubed", Duration(50, "%"))
    spacing: Literal["linear", "cubic"] = option("how the times are spread", "cubic")

    def phase(self, progress: Progress) -> int:
        """How many of the shares of the layers are frozen."""
        if progress.total <= 0:
            return 0
        first = min(1.0, progress.steps(self.start) / progress.total)
        power = 3 if self.spacing == "cubic" else 1

        def end(share: float) -> int:
            return round(progress.total * (first + (1 - first) * share) ** power)

        return bisect_right(SHARES, progress.step, key=end)

    def trainable(self, row: Row, table: ParamTable, phase: int | str) -> bool:
        """Whether the layer is not frozen yet."""
        if row.owner != BACKBONE or row.role == "final":
            return True
        return bisect_left(SHARES, row.depth / (table.depth + 1)) >= int(phase)
