"""What a model is made of, as far as a plan needs it: which of its weights is used where."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from mtlkit.builtin.backbones.adapters import layer_of
from mtlkit.contracts.params import Role


@frozen
class Anatomy:
    """Of a model whose `depth` blocks are the list `path`.

    `depths` and `answer` are what a run showed, see `Trace`; `prefix` is what the backbone's names of weights
    have before the model's own, `typed` whether tokens have segment ids, `table` the name of the embeddings
    of its vocabulary, `told` its configuration, and `adapted` the layers that have adapters.
    """

    path: str
    depth: int
    depths: Mapping[str, int]
    answer: int
    prefix: str
    typed: bool
    table: str
    told: str
    adapted: tuple[str, ...] = ()

    def place(self, name: str) -> tuple[Role, int]:
        """Role and depth of a weight.

        What the model uses before its first block is depth 0, and so is what no module's call shows
        (tables of relative positions); block i is depth i+1, with what is used just after it.
        """
        path = name.removeprefix(self.prefix)
        if path.startswith(f"{self.path}."):
            depth = int(path.removeprefix(f"{self.path}.").partition(".")[0]) + 1
        else:
            module = layer_of(path, self.adapted) or path.rpartition(".")[0]
            depth = self.depths.get(module, 0)
        role: Role = "embeddings" if depth == 0 else "block" if depth <= self.depth else "final"
        return role, depth
