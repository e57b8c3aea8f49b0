"""The JSON Schema of recipes: the recipe's own keys, and the options of whatever is installed."""

from copy import deepcopy
from typing import Any

from mtlkit.catalog.catalog import Catalog, Entry
from mtlkit.catalog.options import options_class, options_model
from mtlkit.contracts.card import PluginKind
from mtlkit.recipe.model import DataTable, LrTable, Recipe

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def recipe_schema(catalog: Catalog) -> Schema:
    """One schema for recipes: `use` picks a plugin, and its options follow."""
    schema = Recipe.model_json_schema()
    definitions: Schema = schema["$defs"]
    own: dict[PluginKind, Schema] = {
        "data": _own(DataTable.model_json_schema(), definitions),
        "lr": _own(LrTable.model_json_schema(), definitions),
    }
    for kind in (
        "backbone",
        "head",
        "freeze",
        "lr",
        "curve",
        "optimizer",
        "sampler",
        "balancer",
        "regularizer",
        "data",
        "tracker",
    ):
        definitions[f"{kind}-plugin"] = {
            "oneOf": [_choice(entry, own.get(kind, {}), definitions) for entry in catalog.of(kind)]
        }
    properties: Schema = schema["properties"]
    for kind in ("backbone", "optimizer", "sampler", "balancer", "lr"):
        properties[kind] = _ref(kind)
    for kind in ("freeze", "regularizer"):
        properties[kind] = {"anyOf": [_ref(kind), {"type": "array", "items": _ref(kind)}]}
    properties["data"]["additionalProperties"] = _ref("data")
    definitions["TaskTable"]["properties"]["head"] = _ref("head")
    definitions["BackboneGradTable"]["properties"]["curve"] = {"anyOf": [{"type": "string"}, _ref("curve")]}
    definitions["LoggingTable"]["properties"]["trackers"]["additionalProperties"] = {"type": "object"}
    properties["extends"] = {
        "description": "recipes to inherit from, relative to this one",
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    }
    schema.pop("required", None)  # a recipe that extends another may leave anything to it
    return {"$schema": DIALECT, **schema}


def _own(schema: Schema, definitions: Schema) -> Schema:
    """The recipe's own keys in a plugin table, `use` apart."""
    definitions.update(schema.get("$defs", {}))
    found: Schema = {key: told for key, told in schema["properties"].items() if key != "use"}
    if "curve" in found:
        found["curve"] = {"anyOf": [{"type": "string"}, _ref("curve")]}
        found["curves"] = {**found["curves"], "additionalProperties": found["curve"]}
    return found


def _choice(entry: Entry, own: Schema, definitions: Schema) -> Schema:
    schema = deepcopy(options_model(options_class(entry)).model_json_schema())
    definitions.update(schema.pop("$defs", {}))
    schema["title"] = f"{entry.card.kind} {entry.card.name}"
    schema["description"] = entry.card.summary
    schema["properties"] = {"use": {"const": entry.card.name}, **own, **schema.get("properties", {})}
    schema["required"] = ["use", *schema.get("required", [])]
    return schema


def _ref(kind: str) -> Schema:
    return {"$ref": f"#/$defs/{kind}-plugin"}
