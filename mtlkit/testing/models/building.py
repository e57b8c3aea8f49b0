"""From specs to modules: the same model bit for bit each time."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mtlkit.contracts.params import ParamTable, Role
from mtlkit.engine.model import Model
from mtlkit.engine.params import param_table
from mtlkit.testing.models import buffers, weights
from mtlkit.testing.models.sizes import HIDDEN, VOCABULARY
from mtlkit.testing.models.specs import NAMES, Spec


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


PLAIN: dict[str, Callable[[], nn.Module]] = {
    "norm": lambda: nn.LayerNorm(HIDDEN),
    "batchnorm": lambda: nn.BatchNorm1d(HIDDEN),
    "batchnorm-plain": lambda: nn.BatchNorm1d(HIDDEN, affine=False),
    "batchnorm-cumulative": lambda: nn.BatchNorm1d(HIDDEN, momentum=None),
    "groupnorm": lambda: nn.GroupNorm(2, HIDDEN),
    "instancenorm": buffers.TrackedInstanceNorm,
    "dropout": lambda: nn.Dropout(0.5),
    "functional-dropout": weights.FunctionalDropout,
    "stochastic-depth": weights.StochasticDepth,
    "weight-norm": weights.weight_norm,
    "spectral-norm": weights.spectral_norm,
    "parametrized": weights.symmetric,
    "table": weights.Lookup,
    "table-padding": lambda: weights.Lookup(padding=1),
    "table-sparse": lambda: weights.Lookup(sparse=True),
    "table-max-norm": lambda: weights.Lookup(max_norm=0.5),
    "moving-average": buffers.MovingAverage,
    "queue": buffers.Queue,
    "constants": buffers.Constants,
    "alias": buffers.Alias,
    "scalar": lambda: weights.Scale(torch.tensor(1.5)),
    "one": lambda: weights.Scale(torch.tensor([0.5])),
    "gaps": lambda: weights.Scale(torch.randn(2 * HIDDEN)[::2]),
    "float64": lambda: weights.Scale(torch.randn(HIDDEN, dtype=torch.float64)),
    "complex": lambda: weights.Scale(torch.randn(HIDDEN, dtype=torch.complex64)),
    "empty": weights.Empty,
    "direct": weights.Direct,
    "collections": weights.Collections,
    "unused": weights.Unused,
    "twice": weights.Twice,
    "two-names": weights.TwoNames,
}


def _piece(piece: Spec, earlier: list[nn.Module]) -> nn.Module:
    kind, number = piece["kind"], piece["of"]
    if kind in PLAIN:
        return PLAIN[kind]()
    if kind == "named":
        return weights.Named(NAMES[number % len(NAMES)])
    if kind == "shared" and earlier:
        chosen: nn.Module = earlier[number % len(earlier)]
        return chosen
    linears = [module for module in earlier if type(module) is nn.Linear]
    if kind == "slice" and linears:
        return weights.FirstRows(linears[number % len(linears)].weight.data[:2])
    return _linear(piece, linears)


def _linear(piece: Spec, earlier: list[nn.Linear]) -> nn.Linear:
    linear = nn.Linear(HIDDEN, HIDDEN)
    if earlier and piece["kind"] in ("same", "twin", "transposed"):
        weight = earlier[piece["of"] % len(earlier)].weight
        views = {"same": weight, "twin": weight.data, "transposed": weight.data.t()}
        view = views[piece["kind"]]
        linear.weight = view if isinstance(view, nn.Parameter) else nn.Parameter(view)
    return linear
