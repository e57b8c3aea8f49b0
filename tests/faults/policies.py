"""Options under which each built-in plugin does something within twelve steps of the small model."""

from mtlkit.catalog.discover import open_catalog

FREEZE = {
    "alternate": {"every": "2st", "sets": [["blocks"], ["embeddings", "heads"]]},
    "attention-only": {"modules": ["qkv", "out"]},
    "auto-freeze": {"every": "2st"},
    "bottom-layers": {"layers": 1},
    "chain-thaw": {"every": "2st"},
    "converge-freeze": {"every": "2st"},
    "freeze-out": {"start": "25%"},
    "gradual-unfreeze": {"every": "2st"},
    "lisa": {"every": "2st", "active": 1},
    "lp-ft": {"until": "4st"},
    "phases": {
        "phases": [{"until": "3st", "freeze": ["backbone"]}, {"until": "6st", "freeze": ["heads"]}, {}]
    },
    "sequence": {
        "phases": [
            {"policy": {"use": "backbone"}, "until": "3st"},
            {"policy": {"use": "gradual-unfreeze", "every": "2st"}},
        ]
    },
    "sequential-unfreeze": {"order": ["heads", "blocks", "embeddings"], "every": "3st"},
    "top-layers": {"layers": 1},
    "unfreeze-at": {"what": ["backbone"], "at": "5st"},
    "unfreeze-on-metric": {"metric": "sentiment/accuracy", "threshold": 0.5},
    "unfreeze-on-plateau": {"metric": "sentiment/accuracy", "patience": 1},
}
NEED_ADAPTERS = {"adapters-only"}
LR = {
    "relative-gradient": {"peak": 5e-3, "every": "2st"},
    "range-test": {"low": 1e-6, "high": 1e-2},
}
CURVE = {
    "plateau": {"metric": "sentiment/accuracy", "patience": 1},
    "linear": {"warmup": "2st", "rewarm": "2st"},
    "cosine": {"warmup": "2st", "rewarm": "2st", "rewarm_scope": "all"},
}
REGULARIZER = {"ewc": {"strength": 1.0, "rows": 8}}


def built_in(kind):
    """The names of what mtlkit ships of a kind, each with its example."""
    return {
        entry.card.name: dict(entry.card.example)
        for entry in open_catalog().of(kind)
        if entry.distribution == "mtlkit" and entry.card.name not in NEED_ADAPTERS
    }


def table(kind, name, example, chosen):
    """The `--set` that uses a plugin; a list kind takes a list of one."""
    options = {"use": name, **chosen.get(name, example)}
    text = inline(options)
    return f"{kind}=[{text}]" if kind in ("freeze", "regularizer") else f"{kind}={text}"


def inline(value):
    """A TOML value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {inline(inner)}' for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(inline, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)
