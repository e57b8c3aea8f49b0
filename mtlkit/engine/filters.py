"""Which rows of a source are kept, and whether every value of theirs that needs a label has one."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import isnan

from mtlkit.contracts.columns import meant
from mtlkit.contracts.data import DataSource, Record, Value
from mtlkit.contracts.nearest import nearest
from mtlkit.contracts.rows import Condition, RowSpec, Wanted
from mtlkit.engine.content import as_text, is_missing, numbered, size_of
from mtlkit.errors import Problem, RecipeError

VALUES_SHOWN = 5
PROBLEMS_SHOWN = 100

Asked = tuple[Wanted, ...] | Condition
Test = Callable[[Value], bool]


def kept(source: DataSource, spec: RowSpec, name: str) -> Sequence[int]:
    """The numbers of the rows that meet `where`, their labels checked.

    Raises:
        RecipeError: when no row is left, a cell that has to be a number is none, or a value has no label.
    """
    if not spec.where and not spec.labels:
        return range(size_of(source))
    found = array("Q")
    problems: dict[tuple[str, str], Problem] = {}
    tests = [(column, _test(asked)) for column, asked in spec.where.items()]
    numeric = [column for column, asked in spec.where.items() if _about_numbers(asked)]
    for number, row in numbered(source, range(size_of(source))):
        if numeric:
            problems = _no_numbers(row, number, numeric, f"data.{name}.where") | problems
        if all(test(row[column]) for column, test in tests):
            found.append(number)
            for column, labels in spec.labels.items():
                path = f"data.{name}.labels.{column}"
                for text in _unlabelled(row[spec.columns.get(column, column)], labels):
                    problems.setdefault((path, text), _no_label(path, text, number, labels))
        if len(problems) >= PROBLEMS_SHOWN:
            break
    if problems:
        order = [f"data.{name}.where.{column}" for column in spec.where]
        order += [f"data.{name}.labels.{column}" for column in spec.labels]
        raise RecipeError(sorted(problems.values(), key=lambda problem: order.index(problem.path)))
    if spec.where and not found:
        raise RecipeError(_nothing_kept(source, spec, name))
    return found if len(found) < len(source) else range(len(source))


def _about_numbers(asked: Asked) -> bool:
    return isinstance(asked, Condition) and asked.about_numbers


def _test(asked: Asked) -> Test:
    """Whether a cell is one of the values, text by text and the rest exactly, or is as the condition says."""
    if isinstance(asked, tuple):
        return _is_among(asked)
    among = _is_among(asked.without)

    def meets(value: Value) -> bool:
        if asked.missing is not None and asked.missing != is_missing(value):
            return False
        if asked.about_numbers:
            number = as_number(value)
            if number is None or not (asked.min is None or number >= asked.min):
                return False
            if asked.max is not None and number > asked.max:
                return False
        return not among(value)

    return meets


def as_number(value: Value) -> float | None:
    """A cell as a number, None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return None if isnan(number) else number


def _is_among(wanted: tuple[Wanted, ...]) -> Test:
    texts = {write(want) for want in wanted for write in (as_text, str)}

    def is_among(value: Value) -> bool:
        if isinstance(value, str):
            return value in texts
        return any(value == want and isinstance(value, bool) == isinstance(want, bool) for want in wanted)

    return is_among


def _no_numbers(
    row: Record, number: int, columns: Iterable[str], path: str
) -> dict[tuple[str, str], Problem]:
    found = {}
    for column in columns:
        if not is_missing(row[column]) and as_number(row[column]) is None:
            message = f"the value {row[column]!r}, first in row {number} (from 0), is not a number"
            advice = "min and max are for columns of numbers"
            found[f"{path}.{column}", ""] = Problem(message, advice, f"{path}.{column}")
    return found


def _nothing_kept(source: DataSource, spec: RowSpec, name: str) -> list[Problem]:
    """Why no row is left: the conditions that none meets, and what their columns hold."""
    path = f"data.{name}.where"
    seen: dict[str, Counter[str]] = {column: Counter() for column in spec.where}
    met = dict.fromkeys(spec.where, False)
    tests = [(column, _test(asked)) for column, asked in spec.where.items()]
    for _, row in numbered(source, range(size_of(source))):
        for column, test in tests:
            seen[column][as_text(row[column])] += 1
            met[column] = met[column] or test(row[column])
    if all(met.values()):
        return [Problem("no row meets all of these conditions at once", path=path)]
    return [
        _unmet(column, spec.where[column], seen[column], f"{path}.{column}")
        for column, found in met.items()
        if not found
    ]


def _unmet(column: str, asked: Asked, seen: Mapping[str, int], path: str) -> Problem:
    frequent = [value for value, _ in Counter(seen).most_common(VALUES_SHOWN)]
    shown = ", ".join(map(repr, frequent))
    advice = f"its most frequent values are {shown}" if frequent else "the data has no rows"
    if isinstance(asked, Condition):
        return Problem(f"no row meets the condition on column {column!r}", advice, path)
    close = [nearest(as_text(want), seen) for want in asked]
    if any(close):
        advice = f"did you mean {next(filter(None, close))!r}? {advice}"
    named = " or ".join(map(repr, asked))
    return Problem(f"no row has {named} in column {column!r}", advice, path)


def _unlabelled(value: Value, labels: Mapping[str, str]) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _unlabelled(item, labels)
    elif not is_missing(value) and as_text(value) not in labels:
        yield as_text(value)


def _no_label(path: str, text: str, number: int, labels: Mapping[str, str]) -> Problem:
    advice = meant(text, labels, "it has labels for")
    return Problem(f"the value {text!r}, first in row {number} (from 0), has no label", advice, path)
