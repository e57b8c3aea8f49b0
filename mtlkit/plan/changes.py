"""What may change in the recipe of a run that goes on, and what may not.

The page docs/reference/resuming.md has the same table; a test holds one against the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from attrs import frozen

from mtlkit.contracts.nearest import nearest
from mtlkit.errors import Problem

Verdict = Literal["free", "allow", "refused"]
RULES: tuple[tuple[str, Verdict], ...] = (
    ("name", "free"),
    ("logging", "free"),
    ("training.checkpoint_every", "free"),
    ("training.keep", "free"),
    ("training.store", "free"),
    ("data.*.path", "free"),
    ("seed", "refused"),
    ("backbone", "refused"),
    ("data", "refused"),
    ("tasks.*.weight", "allow"),
    ("tasks.*.backbone_grad", "allow"),
    ("tasks", "refused"),
    ("optimizer.use", "refused"),
)
"""The first that matches a key decides; a key that none matches needs leave."""


@frozen
class Leave:
    """What may differ from the run that goes on.

    `keys` of the recipe, or tables they are in; versions, machine and data, where `inexact` is set; and the
    newest checkpoint, where `damage` lets a damaged one be passed over.
    """

    keys: tuple[str, ...] = ()
    inexact: bool = False
    damage: bool = True


@frozen
class Change:
    """A key of the resolved recipe with its value before and now, None where it has none."""

    key: str
    before: Any
    now: Any

    @property
    def verdict(self) -> Verdict:
        """Whether it is free, needs leave, or is refused."""
        return next((verdict for pattern, verdict in RULES if _matches(pattern, self.key)), "allow")

    def __str__(self) -> str:
        return f"{self.key} was {_shown(self.before)} and is {_shown(self.now)}"


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """The keys that differ between two resolved recipes, by name; a list counts as one value."""
    old, new = dict(_flat(before)), dict(_flat(now))
    return [
        Change(key, old.get(key), new.get(key))
        for key in sorted({*old, *new})
        if _plain(old.get(key)) != _plain(new.get(key))
    ]


def is_allowed(change: Change, allowed: Sequence[str]) -> bool:
    """Whether a change is free, or needs leave and `allowed` has its key or the table it is in."""
    if change.verdict == "allow":
        return any(change.key == key or change.key.startswith(f"{key}.") for key in allowed)
    return change.verdict == "free"


def unknown(keys: Sequence[str], before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Problem]:
    """The keys to allow that neither recipe has, nor a table of that name, and which may have been meant."""
    parts = [key.split(".") for table in (before, now) for key, _ in _flat(table)]
    known = sorted({".".join(each[:length]) for each in parts for length in range(1, len(each) + 1)})
    return [
        Problem(f"--allow {key}: the recipe has no such key", _meant(nearest(key, known)))
        for key in keys
        if key not in known
    ]


def _meant(near: str | None) -> str:
    return f"did you mean {near!r}?" if near else "write it with its tables: training.length"


def _matches(pattern: str, key: str) -> bool:
    """Whether a pattern, in which `*` is any one part, is the key or a table that it is in."""
    wanted, parts = pattern.split("."), key.split(".")
    return len(wanted) <= len(parts) and all(
        each in ("*", part) for each, part in zip(wanted, parts, strict=False)
    )


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _plain(value: Any) -> Any:  # noqa: ANN401  any TOML value
    """Lists and tuples alike, all the way down; `true` is not 1."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return (type(value).__name__, value) if isinstance(value, bool) else value


def _shown(value: Any) -> str:  # noqa: ANN401  any TOML value
    text = "not set" if value is None else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
