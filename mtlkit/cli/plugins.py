"""`mtlkit plugins`: what is installed, where it comes from, what it can be told."""

from typing import Annotated, Any

from cyclopts import Parameter

from mtlkit.cli.arguments import Json, PluginFiles
from mtlkit.cli.show import note, say, say_json, table
from mtlkit.errors import UsageError

Name = Annotated[str | None, Parameter(help="show the options of this plugin")]


def plugins(name: Name = None, /, *, plugin: PluginFiles = (), json: Json = False) -> int:
    """List the installed plugins, or show the options of one."""
    from mtlkit.catalog.catalog import Entry
    from mtlkit.catalog.discover import open_catalog
    from mtlkit.contracts.card import KINDS

    catalog = open_catalog(plugin)
    for failure in catalog.failures:
        note(str(failure))
    entries: list[Entry] = [entry for kind in KINDS for entry in catalog.of(kind)]
    if name is not None:
        entries = [entry for entry in entries if entry.card.name == name]
        if not entries:
            from mtlkit.recipe.problems import closest

            names = [entry.card.name for kind in KINDS for entry in catalog.of(kind)]
            raise UsageError(f"there is no plugin {name!r}", closest(name, names))
    if json:
        say_json([_listed(entry) | ({"options": _options(entry)} if name else {}) for entry in entries])
    elif name is not None:
        for entry in entries:
            say(_described(entry))
    else:
        rows = [tuple(_listed(entry).values()) for entry in entries]
        say(table(("kind", "name", "summary", "distribution", "version"), rows))
    return 0


def _listed(entry: Any) -> dict[str, str]:  # noqa: ANN401  an Entry, imported when needed
    card = entry.card
    return {
        "kind": card.kind,
        "name": card.name,
        "summary": card.summary,
        "distribution": entry.distribution,
        "version": entry.version,
    }


def _options(entry: Any) -> list[dict[str, Any]]:  # noqa: ANN401  an Entry
    from mtlkit.catalog.options import options_class, options_model

    schema = options_model(options_class(entry)).model_json_schema()
    required = schema.get("required", [])
    return [
        {
            "name": option,
            "type": _type(told),
            "default": told.get("default"),
            "required": option in required,
            "help": told.get("description", ""),
        }
        for option, told in schema.get("properties", {}).items()
    ]


def _described(entry: Any) -> str:  # noqa: ANN401  an Entry
    from mtlkit.catalog.options import options_class

    listed = _listed(entry)
    lines = [f"{listed['kind']} {listed['name']}: {listed['summary']}"]
    lines += [
        f"from {listed['distribution']} {listed['version']}",
        "",
        options_class(entry).__doc__ or "",
        "",
    ]
    rows = [
        (
            each["name"],
            each["type"],
            "required" if each["required"] else _default(each["default"]),
            each["help"],
        )
        for each in _options(entry)
    ]
    return "\n".join(lines) + (
        table(("option", "type", "default", "meaning"), rows) if rows else "no options"
    )


def _default(value: object) -> str:
    return "-" if value is None else str(value)


def _type(told: dict[str, Any]) -> str:
    if "enum" in told:
        return " | ".join(f'"{choice}"' for choice in told["enum"])
    if "anyOf" in told:
        return " | ".join(_type(each) for each in told["anyOf"] if each.get("type") != "null")
    if told.get("type") == "array" and isinstance(told.get("items"), dict):
        return f"list of {_type(told['items'])}"
    return str(told.get("type") or told.get("$ref", "any").rpartition("/")[2])
