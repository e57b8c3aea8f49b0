"""The resolved recipe: every default written out, so that running it again gives the same plan."""

from collections.abc import Mapping
from typing import Any

from mtlkit.catalog.options import dump_options
from mtlkit.plan.model import Part
from mtlkit.recipe.document import KeyPath
from mtlkit.recipe.model import DataTable, Recipe, SelectionTable

OFF = ("grad_clip", "evaluate_every", "checkpoint_every")


def resolved_recipe(recipe: Recipe, parts: Mapping[KeyPath, Part]) -> dict[str, Any]:
    """Plain TOML values that load to the same plan, wherever they are stored."""
    training = recipe.training.model_dump(mode="json")
    written: dict[str, Any] = {
        "name": recipe.name,
        "seed": recipe.seed,
        "backbone": _table(parts["backbone",]),
        "data": {name: _data(table, parts["data", name]) for name, table in recipe.data.items()},
        "tasks": {
            name: {
                "data": table.data,
                "weight": table.weight,
                "backbone_grad": {
                    "scale": table.backbone_grad.scale,
                    "curve": _table(parts["tasks", name, "backbone_grad", "curve"]),
                },
                "head": _table(parts["tasks", name, "head"]),
                **table.model_dump(include={"batch_size", "limit"}, exclude_none=True),
            }
            for name, table in recipe.tasks.items()
        },
        "freeze": [_table(parts["freeze", number]) for number in range(len(recipe.freeze))],
        "regularizer": [_table(parts["regularizer", number]) for number in range(len(recipe.regularizer))],
        "lr": _rates(recipe, parts),
        "optimizer": _table(parts["optimizer",]),
        "sampler": _table(parts["sampler",]),
        "balancer": _table(parts["balancer",]),
        "training": {
            key: False if key in OFF and value is None else value
            for key, value in training.items()
            if key in OFF or value is not None
        },
        "guards": recipe.guards.model_dump(mode="json"),
        "logging": {
            "every": str(recipe.logging.every),
            "trackers": {
                name: _table(parts["logging", "trackers", name]) for name in recipe.logging.trackers
            },
        },
    }
    if recipe.selection:
        written["selection"] = recipe.selection.model_dump(
            mode="json", exclude_none=True, exclude=_unsaid(recipe.selection)
        )
    return written


def _rates(recipe: Recipe, parts: Mapping[KeyPath, Part]) -> dict[str, Any]:
    written = {**_table(parts["lr",]), "curve": _table(parts["lr", "curve"])}
    if recipe.lr.curves:
        written["curves"] = {
            selector: _table(parts["lr", "curves", selector]) for selector in recipe.lr.curves
        }
    return written


def _unsaid(selection: SelectionTable) -> set[str]:
    """The one of two ways to name metrics that the recipe does not use."""
    return {"metrics"} if selection.metric else {"metric"}


def _table(part: Part) -> dict[str, Any]:
    return {"use": part.name, **dump_options(part.options)}


def _data(table: DataTable, part: Part) -> dict[str, Any]:
    own = table.model_dump(mode="json", exclude_none=True, include=set(DataTable.model_fields) - {"use"})
    return {**_table(part), **own}
