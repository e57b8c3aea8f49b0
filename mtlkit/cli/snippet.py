"""What a recipe writes to use a plugin: the table of its kind, as TOML."""

from collections.abc import Mapping
from typing import Any

import tomli_w

from mtlkit.contracts.card import PluginKind

HEADERS = {
    "head": "[tasks.mine.head]",
    "data": "[data.mine]",
    "freeze": "[[freeze]]",
    "regularizer": "[[regularizer]]",
    "curve": '[lr]\nuse = "uniform"\n\n[lr.curve]',
}
"""The table of a kind where it is not called as the kind; `mine` is the reader's own task or data."""


def snippet(kind: PluginKind, name: str, example: Mapping[str, Any]) -> str:
    """The table that chooses the plugin, with the options of the example, to be copied into a recipe."""
    header = f"[logging.trackers.{_key(name)}]" if kind == "tracker" else HEADERS.get(kind, f"[{kind}]")
    table = {"use": name, **example}
    return "\n".join([header, *(f"{_key(key)} = {_inline(value)}" for key, value in table.items())])


def _inline(value: Any) -> str:  # noqa: ANN401  any TOML value
    """The value on one line, as recipes write it; tomli-w would spread lists over several."""
    if isinstance(value, Mapping) and value:
        return f"{{ {', '.join(f'{_key(key)} = {_inline(inner)}' for key, inner in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, Mapping):
        return "{}"
    return tomli_w.dumps({"x": value}).removeprefix("x = ").rstrip("\n")


def _key(key: str) -> str:
    return tomli_w.dumps({key: 0}).removesuffix(" = 0\n")
