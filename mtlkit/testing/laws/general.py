"""Laws for every kind of plugin: options, purity, randomness, sharing."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from mtlkit.catalog.options import dump_options, options_model
from mtlkit.errors import MtlkitError
from mtlkit.testing.asking import answers, build, difference, first_answers, plain, questions
from mtlkit.testing.law import Values, law, require
from mtlkit.testing.subject import Subject
from mtlkit.testing.surroundings import elsewhere, generator_states, seeded_globally

Table = Mapping[str, Any]


def tables(subject: Subject) -> st.SearchStrategy[Values]:
    """Values with nothing but an options table."""
    return st.fixed_dictionaries({"options": subject.tables(subject_tasks())})


def subject_tasks() -> tuple[str, ...]:
    """Names that options drawn for a plugin may use for tasks and sources."""
    return ("sentiment", "news")


def first(subject: Subject) -> Iterable[Values]:
    """The table that the caller or the card gives, where there is one."""
    return [{"options": subject.first_table}] if subject.has_first_table else []


@law(
    "G3",
    why="a run writes its options into recipe.toml, and that file must give the same run again",
    mistake="a converter that changes a value each time it is read, or an options class that takes any key",
    given=tables,
    corners=first,
)
def options_round_trip(subject: Subject, options: Table) -> None:
    """Options written to a table and read again are the same; an unknown key is refused."""
    before = copy.deepcopy(dict(options))
    made = subject.options(options)
    require(dict(options) == before, f"reading the options changed the table to {options}")
    written = dump_options(made)
    again = subject.options(written)
    require(
        plain(dump_options(again)) == plain(written),
        f"options written as {written} are read back as {dump_options(again)}",
    )
    unknown = "no_such_option"
    try:
        subject.options({**options, unknown: 1})
    except ValidationError as error:
        named = any(unknown in each["loc"] for each in error.errors())
        require(named, f"the error about the unknown option {unknown!r} does not name it: {error}")
        return
    require(False, f"the unknown option {unknown!r} was accepted")


WRONG: tuple[Any, ...] = (True, "text", 3, 2.5, float("nan"), [1, "a"], {"a": {"b": 1}})


@law(
    "G4",
    why="a recipe is checked before anything runs; what the options accept must be what the plugin can take",
    mistake="a field typed Any, float where int is meant, or a check made only when it runs",
    given=tables,
    corners=first,
)
def options_are_strict(subject: Subject, options: Table) -> None:
    """Options that are accepted build the plugin; values of a wrong type and NaN are refused."""
    build(subject, options)
    cls = subject.options_class
    schema = options_model(cls).model_json_schema()
    for name, told in schema.get("properties", {}).items():
        allowed = _types(told, schema)
        require(bool(allowed), f"the option {name!r} accepts values of any type; give it one")
        for value in WRONG:
            if _type(value) in allowed or (_type(value) == "integer" and "number" in allowed):
                continue
            if _accepts(subject, {**options, name: value}):
                require(
                    False, f"the option {name!r} of type {' or '.join(sorted(allowed))} accepts {value!r}"
                )


@law(
    "G6",
    why="runs repeat only if every draw comes from a generator that the engine seeds and hands over",
    mistake="random.random(), numpy.random or torch.rand without a generator",
    given=tables,
    corners=first,
    share=0.5,
)
def global_randomness_is_left_alone(subject: Subject, options: Table) -> None:
    """Answers do not depend on the global random generators and do not advance them."""
    plugin = build(subject, options)
    found = []
    for number in (1, 2):
        with seeded_globally(number) as before:
            found.append(answers(subject, plugin))
            moved = [name for name, state in generator_states().items() if state != before[name]]
            require(not moved, f"it draws from the global generator of {', '.join(moved)}")
    told = difference(*found)
    require(not told, f"its answers change with the global random generators: {told}")


@law(
    "G7",
    why="resuming is exact because plugins keep nothing from one call to the next",
    mistake="caching or counting in an attribute, object.__setattr__ on a frozen class, a mutable default",
    given=tables,
    corners=first,
    share=0.5,
)
def asking_changes_nothing(subject: Subject, options: Table) -> None:
    """The options object is the same after the plugin has been built and asked everything."""
    made = subject.options(options)
    before, inside = plain(dump_options(made)), _inside(made)
    answers(subject, build(subject, options))
    if subject.card.build is None:
        answers(subject, made)
    require(plain(dump_options(made)) == before, f"its options changed from {before} to {dump_options(made)}")
    require(_inside(made) == inside, f"its attributes changed from {inside} to {_inside(made)}")


@law(
    "G8",
    why="a plan asks about the whole run before it starts; that must not change later answers",
    mistake="state in an attribute, a module variable or a closure; an answer that depends on the last call",
    given=tables,
    corners=first,
)
def order_and_number_of_calls_do_not_matter(subject: Subject, options: Table) -> None:
    """Asked again, in another order, or by a second object, it gives the same answers."""
    plugin = build(subject, options)
    once = answers(subject, plugin)
    told = difference(once, answers(subject, plugin))
    require(not told, f"asked twice it answers differently: {told}")
    told = difference(once, answers(subject, plugin, backwards=True))
    require(not told, f"asked in reverse order it answers differently: {told}")
    told = difference(once, first_answers(subject, options))
    require(not told, f"a second object with the same options answers differently: {told}")


@law(
    "G9",
    why="the engine works on what it is handed; a plugin must not see its own tables change under it",
    mistake="returning a list or dictionary that is kept, instead of a new one",
    given=tables,
    corners=first,
    share=0.5,
)
def returned_containers_are_the_callers(subject: Subject, options: Table) -> None:
    """What a call returned may be changed without changing the next answer."""
    plugin = build(subject, options)
    once = answers(subject, plugin)
    for question in questions(subject, plugin).values():
        _spoil(question())
    told = difference(once, answers(subject, plugin))
    require(not told, f"after its caller changed what it returned, it answers differently: {told}")


@law(
    "G11",
    why="plans, tests and ranks copy plugins and hold several side by side",
    mistake="state on the class or the module that all objects share",
    given=tables,
    corners=first,
    share=0.5,
)
def copies_are_equal_and_independent(subject: Subject, options: Table) -> None:
    """A deep copy gives the same answers, whatever the original was asked before."""
    plugin = build(subject, options)
    copied = copy.deepcopy(plugin)
    once = answers(subject, plugin)
    told = difference(once, answers(subject, copied))
    require(not told, f"a deep copy answers differently: {told}")


@law(
    "G13",
    why="the same recipe must give the same run tomorrow and on another machine",
    mistake="time.time(), os.environ, the host name or the process id in a decision",
    given=tables,
    corners=first,
    share=0.5,
)
def clock_and_environment_do_not_matter(subject: Subject, options: Table) -> None:
    """Answers do not change with the clock, the environment, the process id or the working folder."""
    plugin = build(subject, options)
    once = answers(subject, plugin)
    with elsewhere():
        told = difference(once, answers(subject, plugin))
    require(not told, f"at another time and place it answers differently: {told}")


def _accepts(subject: Subject, table: Table) -> bool:
    try:
        subject.options(table)
    except (ValidationError, MtlkitError):
        return False
    return True


def _type(value: object) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]


def _types(told: Mapping[str, Any], schema: Mapping[str, Any]) -> set[str]:
    """The JSON types that an option accepts."""
    if "$ref" in told:
        return _types(schema["$defs"][told["$ref"].rpartition("/")[2]], schema)
    if "anyOf" in told:
        return set().union(*(_types(each, schema) for each in told["anyOf"]))
    if "enum" in told or "const" in told:
        return {_type(value) for value in told.get("enum", [told.get("const")])}
    return {told["type"]} if "type" in told else set()


def _inside(made: Any) -> Any:  # noqa: ANN401  plain values
    if isinstance(made, BaseModel):
        return plain(made.model_dump())
    return {each.name: plain(getattr(made, each.name)) for each in attrs.fields(type(made))} | {
        name: plain(value) for name, value in getattr(made, "__dict__", {}).items()
    }


def _spoil(value: Any) -> None:  # noqa: ANN401  any answer
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            _spoil(each)
        value.clear()
    elif isinstance(value, set):
        value.clear()
