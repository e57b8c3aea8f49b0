"""Which laws hold for which kind of plugin, and how many of them must run at least."""

from importlib import import_module
from types import ModuleType

from attrs import frozen

from mtlkit.contracts.card import PluginKind
from mtlkit.testing.law import Law, laws_in

HERE = "mtlkit.testing.laws"


@frozen
class Contract:
    """The modules with the laws of a kind, the first of them with its `behaviour`, and the floor.

    `tensors` says that plugins of this kind work on torch's tensors.
    """

    modules: tuple[str, ...]
    floor: int
    tensors: bool = False


CONTRACTS: dict[PluginKind, Contract] = {
    "backbone": Contract(
        (
            "backbone",
            "backbone_rows",
            "backbone_weights",
            "backbone_split",
            "backbone_layers",
            "backbone_first",
            "backbone_deferred",
            "backbone_texts",
            "importing",
            "general",
            "torch_state",
        ),
        25,
        tensors=True,
    ),
    "head": Contract(
        (
            "head",
            "head_batches",
            "head_labels",
            "head_answers",
            "head_training",
            "head_building",
            "head_module",
            "head_extras",
            "importing",
            "general",
            "torch_state",
        ),
        27,
        tensors=True,
    ),
    "freeze": Contract(
        (
            "freeze",
            "freeze_names",
            "freeze_time",
            "freeze_told",
            "freezing",
            "importing",
            "general",
            "options_used",
        ),
        19,
    ),
    "lr": Contract(("rates", "groups", "group_rates", "importing", "general", "options_used"), 15),
    "curve": Contract(("curves", "curve_lengths", "importing", "general", "options_used"), 15),
    "optimizer": Contract(
        ("optimizer", "optimizer_state", "optimizer_updates", "importing", "general"),
        10,
        tensors=True,
    ),
    "sampler": Contract(("sampler", "sampler_shares", "importing", "general", "options_used"), 15),
    "balancer": Contract(
        ("balancer", "balancer_claims", "importing", "general", "options_used"), 15, tensors=True
    ),
    "regularizer": Contract(("regularizer", "importing", "general", "torch_state"), 18, tensors=True),
    "data": Contract(("data", "data_files", "importing", "general"), 15),
    "tracker": Contract(("tracker", "importing", "general"), 10),
}


def contract(kind: PluginKind) -> tuple[Law, ...]:
    """The laws of a kind; imports torch only where they need it."""
    return laws_in(*(import_module(f"{HERE}.{name}") for name in CONTRACTS[kind].modules))


def behaviour_of(kind: PluginKind) -> ModuleType:
    """The module of a kind that has `behaviour(subject, table)`."""
    return import_module(f"{HERE}.{CONTRACTS[kind].modules[0]}")
