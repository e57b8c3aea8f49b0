"""`mtlkit plugins`: what is installed, where it comes from, what it can be told."""

import json as json_format
from collections.abc import Iterator, Mapping, Sequence
from textwrap import indent
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from mtlkit.cli.arguments import Json, PluginFiles
from mtlkit.cli.show import note, say_json, say_text, table
from mtlkit.contracts.shown import in_lines
from mtlkit.errors import UsageError

if TYPE_CHECKING:
    from mtlkit.catalog.catalog import Entry

Name = Annotated[
    str | None, Parameter(help="show this plugin: its options, its source, how a recipe uses it")
]
HEADER = ("option", "type", "default", "unit", "bounds", "meaning")
LENGTH = "epochs, steps or %: 3ep, 500st, 10%"
BOUNDS = {"minimum": "ge", "exclusiveMinimum": "gt", "maximum": "le", "exclusiveMaximum": "lt"}
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
Schema = Mapping[str, Any]


def plugins(name: Name = None, /, *, plugin: PluginFiles = (), json: Json = False) -> int:
    """List the installed plugins, or show one: its options, its source, how a recipe uses it."""
    from mtlkit.catalog.discover import open_catalog
    from mtlkit.contracts.card import KINDS

    catalog = open_catalog(plugin)
    for failure in catalog.failures:
        note(str(failure))
    entries = [entry for kind in KINDS for entry in catalog.of(kind)]
    if name is not None:
        entries = _named(entries, name)
    if json:
        say_json([facts_of(entry) if name is not None else _listed(entry) for entry in entries])
    elif name is not None:
        say_text("\n\n\n".join(_described(facts_of(entry)) for entry in entries))
    else:
        rows = [tuple(_listed(entry).values()) for entry in entries]
        say_text(table(("kind", "name", "summary", "distribution", "version"), rows))
    return 0


def _named(entries: "Sequence[Entry]", name: str) -> "list[Entry]":
    """The plugins of that name, of any kind, or of `distribution:name`."""
    found = [each for each in entries if name in (each.card.name, f"{each.distribution}:{each.card.name}")]
    if not found:
        from mtlkit.recipe.problems import closest

        names = [each.card.name for each in entries]
        raise UsageError(f"there is no plugin {name!r}", closest(name, names))
    return found


def _listed(entry: "Entry") -> dict[str, str]:
    card = entry.card
    return {
        "kind": card.kind,
        "name": card.name,
        "summary": card.summary,
        "distribution": entry.distribution,
        "version": entry.version,
    }


def facts_of(entry: "Entry") -> dict[str, Any]:
    """Everything there is to say of one plugin, as JSON has it."""
    from inspect import cleandoc

    from mtlkit.catalog.options import options_class
    from mtlkit.cli.snippet import snippet

    card, cls = entry.card, options_class(entry)
    return {
        **_listed(entry),
        "api": card.api,
        "paper": card.paper,
        "help": cleandoc(cls.__doc__ or ""),
        "options": list(_options(cls)),
        "recipe": snippet(card.kind, card.name, card.example),
    }


def _options(cls: type) -> Iterator[dict[str, Any]]:
    """What the tables of the plugin may hold, in the order of its options class."""
    import attrs

    from mtlkit.catalog.options import options_model
    from mtlkit.contracts.options import UNIT

    schema = options_model(cls).model_json_schema()
    fields = attrs.fields(cls) if attrs.has(cls) else ()
    units = {str(each.alias): each.metadata.get(UNIT, "") for each in fields}
    for option in _fields(schema, schema.get("$defs", {})):
        yield {**option, "unit": units.get(option["name"]) or option["unit"]}


def _fields(schema: Schema, models: Schema) -> Iterator[dict[str, Any]]:
    for name, told in schema.get("properties", {}).items():
        inner = _models_in(told)
        found = {
            "name": name,
            "type": _type(told),
            "default": told.get("default"),
            "required": name in schema.get("required", ()),
            "unit": LENGTH if any(map(_is_duration, _parts(told))) else "",
            "bounds": {
                sign: part[key] for part in _parts(told) for key, sign in BOUNDS.items() if key in part
            },
            "help": told.get("description", ""),
        }
        others = {key: model for key, model in models.items() if key not in inner}
        below = [field for key in sorted(inner & set(models)) for field in _fields(models[key], others)]
        choices = [choice for part in _parts(told) for choice in _choices(part, models, others)]
        yield {**found, "fields": choices or below} if below else found


def _choices(told: Schema, models: Schema, others: Schema) -> Iterator[dict[str, Any]]:
    """What a key `use` chooses from, as an option each, with the options that come with it."""
    for word, address in told.get("discriminator", {}).get("mapping", {}).items():
        model: Schema = models.get(address.rpartition("/")[2], {})
        if model:
            fields = [field for field in _fields(model, others) if field["name"] != "use"]
            about = model.get("description", "")
            whole: dict[str, Any] = {
                "type": "table",
                "default": None,
                "required": False,
                "unit": "",
                "bounds": {},
            }
            told_first = {"help": about.partition("\n")[0], "about": about}
            yield {"name": f"({word})", **whole, **told_first, **({"fields": fields} if fields else {})}


def _models_in(told: Schema) -> set[str]:
    return {part["$ref"].rpartition("/")[2] for part in _parts(told) if "$ref" in part}


def _parts(told: Schema) -> Iterator[Schema]:
    """A schema and those of the values in it."""
    yield told
    inner = [*told.get("anyOf", ()), *told.get("oneOf", ()), *told.get("prefixItems", ())]
    inner += [told[key] for key in ("items", "additionalProperties") if isinstance(told.get(key), dict)]
    for each in inner:
        yield from _parts(each)


def _is_duration(told: Schema) -> bool:
    from mtlkit.catalog.options import DURATION

    return told.get("pattern") == DURATION


def _type(told: Schema) -> str:
    if "enum" in told or "const" in told:
        return " | ".join(json_format.dumps(choice) for choice in told.get("enum", [told.get("const")]))
    if any("discriminator" in part for part in told.get("anyOf", ())):
        return "name | table"
    if "anyOf" in told:
        return " | ".join(_type(each) for each in told["anyOf"] if each.get("type") != "null")
    if "oneOf" in told:
        return "table"
    if "prefixItems" in told:
        return f"[{', '.join(map(_type, told['prefixItems']))}]"
    if told.get("type") == "array" and isinstance(told.get("items"), dict):
        return f"list of {_type(told['items'])}"
    if told.get("type") == "object" or "$ref" in told:
        values = told.get("additionalProperties")
        return f"table of {_type(values)}" if isinstance(values, dict) else "table"
    return "duration" if _is_duration(told) else str(told.get("type", "any"))


def _described(told: Mapping[str, Any]) -> str:
    facts = [f"from {told['distribution']} {told['version']}".rstrip() + f", plugin API level {told['api']}"]
    facts += [f"paper: {told['paper']}"] if told["paper"] else []
    options = table(*option_columns(told["options"])) if told["options"] else "no options"
    parts = [
        in_lines([f"{told['kind']} {told['name']}: {told['summary']}", *facts]),
        told["help"],
        options,
        f"in a recipe:\n\n{indent(told['recipe'], '    ')}",
    ]
    return "\n\n".join(part for part in parts if part)


def option_columns(options: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a table of the `options` among the facts, without the columns that say nothing."""
    rows = list(_rows(options))
    filled = [at for at in range(len(HEADER)) if any(row[at] for row in rows)]
    return [HEADER[at] for at in filled], [[row[at] for at in filled] for row in rows]


def _rows(options: Sequence[Mapping[str, Any]], prefix: str = "") -> Iterator[tuple[str, ...]]:
    """A row for each option; those of a table in it follow, as `phases.until`."""
    from mtlkit.recipe.problems import bound_text

    for each in options:
        bounds = ", ".join(f"{SIGNS[sign]} {bound_text(bound)}" for sign, bound in each["bounds"].items())
        default = "-" if each["default"] is None else json_format.dumps(each["default"], ensure_ascii=False)
        shown = "required" if each["required"] else default
        yield f"{prefix}{each['name']}", each["type"], shown, each["unit"], bounds, each["help"]
        yield from _rows(each.get("fields", ()), f"{prefix}{each['name']}.")
