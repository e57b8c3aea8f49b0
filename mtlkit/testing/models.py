"""Generated models with everything that makes freezing hard, as JSON-able specs and torch modules.

`model_specs()` draws a spec, plain values that a failure report can show; `build_module` makes the
same model of it every time: a backbone of embeddings, blocks and perhaps a final part, and one head
per task. Tensors are [B, H] with H = `HIDDEN`.
"""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from mtlkit.contracts.params import ParamTable, Role
from mtlkit.engine.model import Model
from mtlkit.engine.params import param_table

HIDDEN = 4
VOCABULARY = 8
KINDS = (
    "linear",
    "norm",
    "batchnorm",
    "batchnorm-plain",  # affine=False: statistics but no weights
    "dropout",
    "scalar",
    "empty",  # a weight of size zero
    "same",  # the weight of an earlier linear layer, one object
    "twin",  # another parameter over the memory of an earlier one, made of its `.data`
    "transposed",  # likewise, seen the other way round
    "shared",  # an earlier module once more
)
BLOCK_NAMES = ("1", "10", "11", "01", "2", "100")
TASKS = ("news", "new", "heads", "layer", "news_1", "news_10")
Spec = dict[str, Any]


def model_specs(max_blocks: int = 3, max_tasks: int = 2) -> st.SearchStrategy[Spec]:
    """Specs of models: `seed`, pieces of `embeddings`, of each of the `blocks`, of `final`, of `heads`.

    A piece is `{"kind": one of KINDS, "of": which earlier one it refers to, "frozen": by its author}`.
    """
    piece = st.fixed_dictionaries(
        {
            "kind": st.sampled_from(KINDS),
            "of": st.integers(0, 5),
            "frozen": st.sampled_from((False, False, False, True)),
        }
    )
    pieces = st.lists(piece, min_size=1, max_size=3)
    return st.fixed_dictionaries(
        {
            "seed": st.integers(0, 2**31),
            "embeddings": st.lists(piece, max_size=2),
            "blocks": st.dictionaries(st.sampled_from(BLOCK_NAMES), pieces, min_size=1, max_size=max_blocks),
            "final": st.lists(piece, max_size=2),
            "heads": st.dictionaries(st.sampled_from(TASKS), pieces, min_size=1, max_size=max_tasks),
        }
    )


def build_module(spec: Spec) -> Model:
    """The model of a spec, equal bit for bit each time; its backbone takes ids [B], its heads [B, H]."""
    with torch.random.fork_rng():
        torch.manual_seed(spec["seed"])
        earlier: list[nn.Module] = []
        backbone = GeneratedBackbone(spec, earlier)
        heads = {task: Pieces(pieces, earlier) for task, pieces in spec["heads"].items()}
    return Model(backbone, heads)


def table_of(model: Model) -> ParamTable:
    """The table of weights of a built model."""
    return param_table(model, model.backbone, tuple(model.heads))  # type: ignore[arg-type]


def loss_of(model: Model, rows: int = 6) -> Tensor:
    """A loss that every piece of the model goes into, on random ids from torch's generator."""
    hidden = model.backbone(torch.randint(VOCABULARY, (rows,)))
    return torch.stack([head(hidden).square().mean() for head in model.heads.values()]).sum()


class GeneratedBackbone(nn.Module):
    """Embeddings, blocks in a `ModuleDict` called `layer`, and a final part."""

    hidden_size = HIDDEN

    def __init__(self, spec: Spec, earlier: list[nn.Module]) -> None:
        super().__init__()
        self.depth = len(spec["blocks"])
        self.word = nn.Embedding(VOCABULARY, HIDDEN)
        self.embeddings = Pieces(spec["embeddings"], earlier)
        self.layer = nn.ModuleDict({name: Pieces(pieces, earlier) for name, pieces in spec["blocks"].items()})
        self.final = Pieces(spec["final"], earlier)

    def place(self, name: str) -> tuple[Role, int]:
        """Role and depth of a weight."""
        part, _, rest = name.partition(".")
        if part == "layer":
            return "block", list(self.layer).index(rest.partition(".")[0]) + 1
        return ("final", self.depth + 1) if part == "final" else ("embeddings", 0)

    def forward(self, ids: Tensor) -> Tensor:
        """Hidden states [B, H] of ids [B]."""
        hidden = self.embeddings(self.word(ids))
        for block in self.layer.values():
            hidden = hidden + block(hidden)
        yielded: Tensor = self.final(hidden)
        return yielded


class Pieces(nn.Sequential):
    """Pieces one after the other; `earlier` collects them so that later ones can be tied to them."""

    def __init__(self, pieces: list[Spec], earlier: list[nn.Module]) -> None:
        made = []
        for piece in pieces:
            module = _piece(piece, earlier)
            if piece["frozen"]:
                module.requires_grad_(False)
            earlier.append(module)
            made.append(module)
        super().__init__(*made)


class Scale(nn.Module):
    """A weight without dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(1.5))

    def forward(self, hidden: Tensor) -> Tensor:
        """`hidden` times the weight."""
        return hidden * self.factor


class Empty(nn.Module):
    """A weight of size zero."""

    def __init__(self) -> None:
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(0, HIDDEN))

    def forward(self, hidden: Tensor) -> Tensor:
        """`hidden` plus nothing."""
        return hidden + self.nothing.sum()


def _piece(piece: Spec, earlier: list[nn.Module]) -> nn.Module:
    plain: dict[str, type[nn.Module]] = {"scalar": Scale, "empty": Empty}
    sized: dict[str, Any] = {"norm": nn.LayerNorm, "batchnorm": nn.BatchNorm1d}
    kind = piece["kind"]
    if kind in plain:
        return plain[kind]()
    if kind in sized:
        made: nn.Module = sized[kind](HIDDEN)
        return made
    if kind == "batchnorm-plain":
        return nn.BatchNorm1d(HIDDEN, affine=False)
    if kind == "dropout":
        return nn.Dropout(0.5)
    if kind == "shared" and earlier:
        number: int = piece["of"]
        return earlier[number % len(earlier)]
    return _linear(piece, [module for module in earlier if isinstance(module, nn.Linear)])


def _linear(piece: Spec, earlier: list[nn.Linear]) -> nn.Linear:
    linear = nn.Linear(HIDDEN, HIDDEN)
    if earlier and piece["kind"] in ("same", "twin", "transposed"):
        weight = earlier[piece["of"] % len(earlier)].weight
        views = {"same": weight, "twin": weight.data, "transposed": weight.data.t()}
        view = views[piece["kind"]]
        linear.weight = view if isinstance(view, nn.Parameter) else nn.Parameter(view)
    return linear
