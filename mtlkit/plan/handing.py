"""Rows handed over in Python, in the place of those that a recipe's source would read."""

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from mtlkit.contracts.card import load_address
from mtlkit.contracts.data import DataSource
from mtlkit.errors import Problem, RecipeError
from mtlkit.plan.model import DataPlan, Plan
from mtlkit.recipe.problems import closest

TAKES_ROWS = "memory"


def with_rows(plan: Plan, given: Mapping[str, Any]) -> Plan:
    """The plan with these rows for its sources of that kind, by the names of their tables.

    Rows are taken over here and now: what their owner does to them later changes nothing.

    Raises:
        RecipeError: when a name is no table of the recipe, or its source reads rows of its own.
        DataError: when the rows are of no form that the source takes.
    """
    known = {data.name: data.source.name for data in plan.data}
    problems = []
    for name in given:
        if name not in known:
            message = f"rows are handed over for data {name!r}, which the recipe has not"
            problems.append(Problem(message, closest(name, known)))
        elif known[name] != TAKES_ROWS:
            message = f"rows are handed over, and the source {known[name]!r} reads its own"
            problems.append(Problem(message, f'write use = "{TAKES_ROWS}"', f"data.{name}"))
    if problems:
        raise RecipeError(problems)
    return evolve(plan, data=tuple(_handed(data, given) for data in plan.data))


def _handed(data: DataPlan, given: Mapping[str, Any]) -> DataPlan:
    if data.name not in given or data.source.build is None:
        return data
    source: DataSource = load_address(data.source.build)(data.source.options, given[data.name])
    return evolve(data, source=evolve(data.source, build=lambda _: source))
