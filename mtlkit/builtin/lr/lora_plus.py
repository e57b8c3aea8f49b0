"""LoRA+: the B matrices of low-rank adapters learn faster than the A matrices.

Source: Hayou, Ghosh & Yu 2024, "LoRA+: Efficient Low Rank Adaptation of Large Models" (arXiv:2402.12354),
§4: B, which starts at 0, is to learn λ = η_B / η_A ≫ 1 times as fast as A; 2⁴ is the ratio that the authors
recommend to try. As `create_loraplus_optimizer` of peft, but for two of its additions: there all vectors
(biases, norms) learn at the fast rate too, and adapters of embeddings at a rate of their own.
"""

from typing import Annotated, ClassVar

from annotated_types import Ge
from attrs import frozen

from mtlkit.contracts.options import option
from mtlkit.contracts.params import BACKBONE, ParamTable, Row
from mtlkit.contracts.progress import Progress
from mtlkit.contracts.rates import LRSchedule

FAST = "lora_B"
MARKS = frozenset({"lora_B", "lora_embedding_B"})


@frozen
class LoraPlus(LRSchedule):
    """Groups `lora_B`, `backbone` for the rest of it, the A matrices included, and `head.TASK` for each task.

    A weight is a B matrix where `lora_B` or `lora_embedding_B` is a part of its name, as peft has it. In a
    model without such a weight there is no group `lora_B`.

    Helps: adapters in wide models, where A and B at one rate learn at very different speeds: faster and
    somewhat better than LoRA at the same cost, by its authors' account (Hayou, Ghosh & Yu 2024).

    Does not help: a backbone without adapters; there it is `uniform` with a rate for the heads. The best
    ratio depends on model and task (the same paper).
    """

    reads_names: ClassVar[bool] = True

    peak: Annotated[float, Ge(0)] = option(
        "the rate of the A matrices at the peak of the curve", 1e-4, unit="rate"
    )
    ratio: Annotated[float, Ge(0)] = option("how many times faster the B matrices learn", 16.0)
    heads: Annotated[float, Ge(0)] | None = option(
        "the rate of the heads; by default peak", None, unit="rate"
    )

    def group(self, row: Row, table: ParamTable) -> str:
        """Whether the weight is a B matrix, another one of the backbone, or a head's."""
        if any(not MARKS.isdisjoint(name.split(".")) for name in row.names):
            return FAST
        return BACKBONE if row.role != "head" else f"head.{row.owner}"

    def rate(self, group: str, progress: Progress, age: int) -> float:
        """The rate of that group."""
        if group == FAST:
            return self.peak * self.ratio
        return self.peak if group == BACKBONE or self.heads is None else self.heads
