"""Lists of selectors among the options of a policy."""

from collections.abc import Iterable, Sequence

from mtlkit.contracts.params import ParamTable, Row
from mtlkit.contracts.selectors import parse


def check_selectors(texts: Sequence[str], name: str) -> None:
    """Check that there is at least one, and that each is a selector.

    Raises:
        ValueError: when there is none, which names the option, or when one can't be read.
    """
    if not texts:
        raise ValueError(f"{name} is empty; name at least one selector")
    for text in texts:
        parse(text)


def any_means(texts: Iterable[str], row: Row, table: ParamTable) -> bool:
    """Whether one of the selectors means the weight."""
    return any(parse(text).matches(row, table) for text in texts)


def tasks_in(texts: Iterable[str]) -> tuple[str, ...]:
    """The tasks that the selectors name, each once."""
    return tuple(dict.fromkeys(task for text in texts for task in parse(text).tasks))
