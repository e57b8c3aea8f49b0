"""Freeze policies among the options of another one: read as the tables of `[[freeze]]` are."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError, ValidationInfo
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from mtlkit.catalog.catalog import Catalog, Entry
from mtlkit.contracts.freeze import Chosen, FreezePolicy
from mtlkit.contracts.nearest import nearest
from mtlkit.errors import MtlkitError

Context = Mapping[str, Any]
Maker = Callable[[Entry, Mapping[str, Any], Context], Any]
Keys = Callable[[Entry], list[str]]
OUR_TYPES = ("duration_type",)
"""Types of errors that are not pydantic's own."""
SHAPE = {
    "type": "object",
    "properties": {"use": {"type": "string", "description": "a freeze policy; other keys are its options"}},
    "required": ["use"],
    "additionalProperties": True,
}


def chosen_schema(make: Maker, keys: Keys) -> Callable[[Any, Any], CoreSchema]:
    """How pydantic reads a policy.

    `make` makes the options object of an entry from a table and a context; `keys` are those of its table.
    """

    def schema(source: Any, handler: Any) -> CoreSchema:  # noqa: ANN401, ARG001  pydantic's signature
        def chosen(table: dict[str, Any], info: ValidationInfo) -> Chosen:
            return _chosen(table, info.context or {}, make, keys)

        return core_schema.with_info_after_validator_function(
            chosen,
            core_schema.dict_schema(core_schema.str_schema()),
            metadata={"pydantic_js_functions": [lambda _schema, _handler: SHAPE]},
        )

    return schema


def _chosen(table: dict[str, Any], context: Context, make: Maker, keys: Keys) -> Chosen:
    use = table.get("use")
    if "use" not in table:
        raise _invalid(InitErrorDetails(type="missing", loc=("use",), input=table))
    if not isinstance(use, str):
        raise _invalid(InitErrorDetails(type="string_type", loc=("use",), input=use))
    catalog: Catalog = context.get("catalog") or _installed()
    try:
        entry = catalog.find("freeze", use)
    except MtlkitError as error:
        problem = error.problems[0]
        raise _invalid(_said(f"{problem.message}; {problem.suggestion}", ("use",), use)) from error
    try:
        made = make(entry, {key: value for key, value in table.items() if key != "use"}, context)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise _invalid(*(_told(detail, keys(entry)) for detail in details)) from error
    if not isinstance(made, FreezePolicy):
        raise _invalid(_said(f"{use!r} is no subclass of FreezePolicy", ("use",), use))
    return Chosen(use, made)


def _told(detail: Any, known: list[str]) -> InitErrorDetails:  # noqa: ANN401  pydantic's ErrorDetails
    """The same error; what an unknown key may have meant is only known here."""
    loc, given = detail["loc"], detail["input"]
    if detail["type"] == "extra_forbidden":
        near = nearest(str(loc[-1]), known)
        hint = f"did you mean {near!r}?" if near else "see mtlkit plugins"
        return _said(f"unknown key {str(loc[-1])!r}; {hint}", loc, given)
    if detail["type"] == "value_error":
        return _said(str(detail["ctx"]["error"]), loc, given)
    if detail["type"] in OUR_TYPES:
        return InitErrorDetails(type=PydanticCustomError(detail["type"], detail["msg"]), loc=loc, input=given)
    return InitErrorDetails(type=detail["type"], loc=loc, input=given, ctx=detail.get("ctx", {}))


def _said(text: str, loc: tuple[int | str, ...], given: object) -> InitErrorDetails:
    custom = PydanticCustomError("value_error", "{error}", {"error": text})
    return InitErrorDetails(type=custom, loc=loc, input=given)


def _invalid(*details: InitErrorDetails) -> ValidationError:
    return ValidationError.from_exception_data("freeze policy", list(details))


@cache
def _installed() -> Catalog:
    from mtlkit.catalog.discover import open_catalog

    return open_catalog()
