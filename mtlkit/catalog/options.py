"""Options: from a plugin's attrs class to a strict model of its table, and from objects back to tables."""

import warnings
from collections.abc import Callable, Mapping
from enum import Enum
from functools import lru_cache, reduce
from operator import or_
from pathlib import Path, PurePath
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, Self, Union, get_args, get_origin, get_type_hints

import attrs
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetPydanticSchema,
    PrivateAttr,
    ValidationInfo,
    create_model,
    model_validator,
)
from pydantic.errors import PydanticUserError
from pydantic_core import CoreSchema, core_schema, to_json

from mtlkit.catalog.catalog import Catalog, Entry
from mtlkit.catalog.nested import chosen_schema
from mtlkit.contracts.card import load_address
from mtlkit.contracts.duration import Duration
from mtlkit.contracts.freeze import Chosen
from mtlkit.contracts.options import DOC
from mtlkit.contracts.place import Place
from mtlkit.errors import MtlkitError, PluginError

DURATION = r"^[0-9]+(\.[0-9]*)?(ep|st|%)$"
MODELS = 256
"""Models of tables that are kept: more than a recipe asks for, fewer than the kit does, which draws keys."""


def options_class(entry: Entry) -> type:
    """The class of a plugin's options.

    Raises:
        PluginError: when its module can't be imported or it is not a class; names the distribution.
    """
    options = entry.card.options
    if isinstance(options, str):
        try:
            options = load_address(options)
        except Exception as error:  # importing a plugin may raise anything
            cause = f"{type(error).__name__}: {error}"
            raise PluginError(f"{_title(entry)} can't be loaded: {cause}", entry.card.install) from error
    if not isinstance(options, type) or not (attrs.has(options) or issubclass(options, BaseModel)):
        raise PluginError(f"the options of {_title(entry)} are neither an attrs class nor a pydantic model")
    return options


def make_options(
    entry: Entry,
    table: Mapping[str, Any],
    folder: Path,
    folders: Mapping[str, Path] | None = None,
    catalog: Catalog | None = None,
) -> Any:  # noqa: ANN401  the plugin's own class
    """The options object that a table describes.

    A relative `Place` is relative to `folder`, or to what `folders` says for its text: a table may be
    merged from recipes in several folders. Policies among the options are found in `catalog`, by default in
    that of all installed plugins.

    Raises:
        PluginError: when the options class is broken.
        pydantic.ValidationError: when the table does not fit it.
    """
    context = {
        "folder": str(folder),
        "folders": {text: str(where) for text, where in (folders or {}).items()},
        "catalog": catalog,
    }
    cls: Any = options_class(entry)
    # What the table does not give needs no reading: a model of the rest is made in a fraction of the time.
    model = cls if issubclass(cls, BaseModel) else _table_model(cls, frozenset(table))
    checked = model.model_validate_json(to_json(dict(table)), strict=True, context=context)
    return checked._built if isinstance(checked, _Derived) else checked


def dump_options(options: object) -> dict[str, Any]:
    """The inverse: plain values for TOML with every default written out; what is None is left out."""
    if isinstance(options, BaseModel):
        return options.model_dump(mode="json", exclude_none=True, by_alias=True)
    fields = [each for each in _fields(type(options)) if each.init]
    values = {str(each.alias): getattr(options, each.name) for each in fields}
    return {name: _plain(value) for name, value in values.items() if value is not None}


class _Derived(BaseModel):
    """What all derived models share: once its fields are valid, the object itself is built and kept."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, protected_namespaces=()
    )
    _describes: ClassVar[Callable[..., Any]]
    _built: Any = PrivateAttr()

    @model_validator(mode="after")
    def _build(self) -> Self:
        given = {name: self.__dict__[name] for name in self.model_fields_set}
        try:
            self._built = type(self)._describes(**given)  # absent keys: the class's own defaults
        except (TypeError, MtlkitError) as error:
            raise ValueError(str(error)) from error
        return self


def options_model(cls: type) -> type[BaseModel]:
    """A strict, frozen pydantic model of the tables that describe objects of an attrs class.

    Raises:
        PluginError: when a field of the class has a type that has no form in TOML.
    """
    derived: Any = cls
    return cls if issubclass(cls, BaseModel) else _table_model(derived)


@lru_cache(maxsize=MODELS)
def _table_model(cls: Any, given: frozenset[str] | None = None) -> type[BaseModel]:  # noqa: ANN401  a class
    """The model of an attrs class; with `given`, of tables with these keys."""
    try:
        hints = get_type_hints(cls, include_extras=True)
        fields: dict[str, Any] = {
            str(each.alias): (
                _translated(hints.get(each.name, Any)) if given is None or each.alias in given else Any,
                _field(each),
            )
            for each in _fields(cls)
            if each.init
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an option may be called `copy` or `schema`
            model = create_model(cls.__name__, __base__=_Derived, __doc__=cls.__doc__, **fields)
        model._describes = staticmethod(cls)
    except (PydanticUserError, NameError, TypeError, RecursionError) as error:
        cause = str(error).split("\n", 1)[0]
        raise PluginError(
            f"the options class {cls.__module__}.{cls.__qualname__} is broken: {cause}"
        ) from error
    return model


def _fields(cls: Any) -> "tuple[attrs.Attribute[Any], ...]":  # noqa: ANN401  an attrs class
    found: tuple[attrs.Attribute[Any], ...] = attrs.fields(cls)
    return found


def _field(attribute: "attrs.Attribute[Any]") -> Any:  # noqa: ANN401  as pydantic.Field
    description = attribute.metadata.get(DOC)
    default = attribute.default
    if default is attrs.NOTHING:
        return Field(description=description)
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        factory: Any = default
        default = None if factory.takes_self else factory.factory()
    shown: dict[str, Any] = {} if default is None else {"default": _plain(default)}
    return Field(default_factory=lambda: default, description=description, json_schema_extra=shown)


def _translated(annotation: Any) -> Any:  # noqa: ANN401  any annotation
    """The same annotation with every attrs class replaced by something that pydantic reads from TOML."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is Duration:
        return Annotated[Duration, GetPydanticSchema(_duration_schema)]
    if annotation is Chosen:
        return Annotated[Chosen, GetPydanticSchema(chosen_schema(_nested, _keys))]
    if annotation is Place:
        return Annotated[Place, GetPydanticSchema(_place_schema)]
    if isinstance(annotation, type) and attrs.has(annotation):
        return Annotated[options_model(annotation), AfterValidator(_built)]
    if origin is None or origin is Literal:
        return annotation
    if origin is Annotated:
        return reduce(
            lambda inner, extra: Annotated[inner, extra], annotation.__metadata__, _translated(arguments[0])
        )
    if origin in (Union, UnionType):
        return _translated_union(arguments)
    return origin[tuple(_translated(each) for each in arguments)]


def _translated_union(alternatives: tuple[Any, ...]) -> Any:  # noqa: ANN401  any annotation
    """A union; of its attrs classes with an option `use` of one word each, that word says which is meant."""
    named = [each for each in alternatives if _has_name(each)]
    inner = tuple(_translated(each) for each in alternatives if len(named) < 2 or each not in named)
    if len(named) > 1:
        tables = tuple(map(_translated, named))
        inner = (*inner, Annotated[Union[tables], Discriminator("use")])  # noqa: UP007
    return reduce(or_, inner) if all(isinstance(each, type) for each in inner) else Union[inner]  # noqa: UP007


def _has_name(cls: Any) -> bool:  # noqa: ANN401  any annotation
    if not isinstance(cls, type) or not attrs.has(cls):
        return False
    return get_origin(get_type_hints(cls).get("use")) is Literal


def _built(model: _Derived) -> Any:  # noqa: ANN401  the plugin's own class
    return model._built if isinstance(model, _Derived) else model


def _duration_schema(source: Any, handler: Any) -> CoreSchema:  # noqa: ANN401, ARG001  pydantic's signature
    shape = {"type": "string", "pattern": DURATION, "examples": ["3ep", "500st", "10%"]}
    return core_schema.no_info_after_validator_function(
        Duration.parse,
        core_schema.custom_error_schema(
            core_schema.str_schema(strict=True), "duration_type", custom_error_message="not a duration"
        ),
        metadata={"pydantic_js_functions": [lambda _schema, _handler: shape]},
    )


def _place_schema(source: Any, handler: Any) -> CoreSchema:  # noqa: ANN401, ARG001  pydantic's signature
    shape = {"type": "string", "examples": ["data/train.csv", "package:NAME/path"]}
    return core_schema.with_info_after_validator_function(
        _place,
        core_schema.str_schema(strict=True, min_length=1),
        metadata={"pydantic_js_functions": [lambda _schema, _handler: shape]},
    )


def _place(address: str, info: ValidationInfo) -> Place:
    context = info.context or {}
    return Place(address, context.get("folders", {}).get(address, context.get("folder", ".")))


def _nested(entry: Entry, table: Mapping[str, Any], context: Mapping[str, Any]) -> Any:  # noqa: ANN401  a policy
    folders = {text: Path(where) for text, where in context.get("folders", {}).items()}
    return make_options(entry, table, Path(context.get("folder", ".")), folders, context.get("catalog"))


def _keys(entry: Entry) -> list[str]:
    return list(options_model(options_class(entry)).model_fields)


def _plain(value: Any) -> Any:  # noqa: ANN401  whatever an option holds
    if isinstance(value, Duration | PurePath):
        return str(value)
    if isinstance(value, Place):
        return value.portable()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Chosen):
        return {"use": value.use, **dump_options(value.policy)}
    if isinstance(value, BaseModel) or attrs.has(type(value)):
        return dump_options(value)
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(inner) for key, inner in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(_plain(inner) for inner in value)
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _title(entry: Entry) -> str:
    return f"the {entry.card.kind} {entry.card.name!r} of {entry}"
