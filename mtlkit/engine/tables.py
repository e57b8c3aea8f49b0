"""Tables with `max_norm`: torch writes to them in every lookup, frozen or not; here only in train mode."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtlkit.engine.model import Model


def write_in_train_mode_only(model: Model) -> None:
    """Let lookups in eval mode scale what they yield and not the table; doing so twice is doing so once."""
    for _, module in model.modules():
        if isinstance(module, nn.Embedding) and module.max_norm is not None and "forward" not in vars(module):
            module.forward = partial(_rows, module)  # type: ignore[method-assign]


def _rows(table: nn.Embedding, ids: Tensor) -> Tensor:
    if table.training or table.max_norm is None:
        return type(table).forward(table, ids)
    rows = functional.embedding(
        ids, table.weight, table.padding_idx, None, 2.0, table.scale_grad_by_freq, table.sparse
    )
    norms = rows.detach().norm(table.norm_type, dim=-1, keepdim=True)
    # As torch's embedding_renorm_ has it.
    return torch.where(norms > table.max_norm, rows * (table.max_norm / (norms + 1e-7)), rows)
