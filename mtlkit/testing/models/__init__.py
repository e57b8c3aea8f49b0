"""Generated models with everything that makes freezing hard, as JSON-able specs and torch modules.

`model_specs()` draws a spec, plain values that a failure report can show; `build_module` makes the
same model of it every time: a backbone of embeddings, blocks and perhaps a final part, and one head
per task. Tensors are [B, H] with H = `HIDDEN`.
"""

from mtlkit.testing.models.building import build_module, loss_of, table_of
from mtlkit.testing.models.sizes import HIDDEN, VOCABULARY
from mtlkit.testing.models.specs import BLOCK_NAMES, KINDS, NAMES, SPECIAL, TASKS, Spec, model_specs

__all__ = [
    "BLOCK_NAMES",
    "HIDDEN",
    "KINDS",
    "NAMES",
    "SPECIAL",
    "TASKS",
    "VOCABULARY",
    "Spec",
    "build_module",
    "loss_of",
    "model_specs",
    "table_of",
]
