"""Digests of what is frozen: taken when a phase begins, compared when it ends."""

from collections.abc import Iterable, Mapping
from hashlib import sha256

import torch
from torch import Tensor

from mtlkit.contracts.params import BACKBONE, ParamTable
from mtlkit.engine.apply import Handles, frozen_modules, trainable_objects
from mtlkit.engine.deferring import content_of
from mtlkit.engine.spans import spanned
from mtlkit.errors import TrainingError

Digests = Mapping[str, str]
HEADS = "heads."


def tensor_digest(tensor: Tensor) -> str:
    """SHA-256 of dtype, shape and bytes."""
    plain = tensor.detach().cpu().contiguous()
    return content_digest(tensor, [plain.reshape(-1).view(torch.uint8).numpy().data] if plain.numel() else [])


def content_digest(tensor: Tensor, content: Iterable[bytes | memoryview]) -> str:
    """The same of a tensor with this content, which need not be in memory."""
    found = sha256(f"{tensor.dtype} {tuple(tensor.shape)} ".encode())
    for part in content:
        found.update(part)
    return found.hexdigest()


@spanned("freezing")
def frozen_digests(handles: Handles, table: ParamTable, trainable: frozenset[str]) -> Digests:
    """Name → digest of every frozen weight and of every buffer of a frozen module.

    A head with a `fit` is asked to set its own buffers, frozen or not: they follow from the weights.
    """
    content = content_of(handles.model)
    digests = {
        name: content_digest(handles.parameters(name)[0], content(name))
        if content is not None and name.startswith(f"{BACKBONE}.")
        else "".join(tensor_digest(parameter) for parameter in handles.parameters(name))
        for name in table.names
        if name not in trainable
    }
    training = trainable_objects(handles, trainable)
    frozen = frozen_modules(handles.model, training)
    for path, module in handles.model.modules():
        if id(module) in frozen and not (path.startswith(HEADS) and hasattr(module, "fit")):
            for leaf, buffer in module.named_buffers(recurse=False):
                digests[f"{path}.{leaf}"] = tensor_digest(buffer)
    return digests


def stem_digests(digests: Digests, table: ParamTable) -> Mapping[int, str]:
    """By depth, one digest of what the backbone holds up to there, as far up as all of it is frozen."""
    backbone = {row.name: row for row in table if row.owner == BACKBONE}
    frozen = {name: told for name, told in digests.items() if name.startswith(f"{BACKBONE}.")}
    found = {}
    for depth in range(table.depth + 2):
        below = [row.name for row in backbone.values() if row.depth <= depth]
        if not all(name in digests for name in below):
            break
        above = {row.name for row in backbone.values() if row.depth > depth}
        found[depth] = combined({name: told for name, told in frozen.items() if name not in above})
    return found


def combined(digests: Digests) -> str:
    """One digest of them all."""
    found = sha256()
    for name in sorted(digests):
        found.update(f"{name} {digests[name]}\n".encode())
    return found.hexdigest()


def check_unchanged(before: Digests, after: Digests, phase: str) -> None:
    """Compare two digests of one phase.

    Raises:
        TrainingError: when something frozen has moved; names every weight and buffer that did.
    """
    moved = [name for name in before if after.get(name) != before[name]]
    if moved:
        shown = ", ".join(moved[:8]) + (f" and {len(moved) - 8} more" if len(moved) > 8 else "")
        raise TrainingError(
            f"frozen weights moved during {phase}: {shown}",
            "something other than the optimizer writes to them: look at the plugins of this recipe that "
            "touch the model in forward or loss",
        )
