"""What a recipe may say. Everything but the options of plugins, which their own classes describe."""

from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetPydanticSchema, PositiveInt
from pydantic_core import CoreSchema, PydanticKnownError, core_schema

from mtlkit.contracts.duration import Duration
from mtlkit.contracts.rows import PairKind
from mtlkit.contracts.selectors import parse

SLUG = r"^[a-z0-9][a-z0-9_.-]{0,63}$"
DURATION = r"^[0-9]+(\.[0-9]*)?(ep|st|%)$"
Slug = Annotated[str, Field(pattern=SLUG)]
Portion = Annotated[int, Gt(0), Le(1_000_000)]
"""Rows of a forward pass, or forward passes of a step: beyond any machine, and a step ends nevertheless."""


def _duration_schema(source: Any, handler: Any) -> CoreSchema:  # noqa: ANN401, ARG001  pydantic's signature
    shape = {"type": "string", "pattern": DURATION, "examples": ["3ep", "500st", "10%"]}
    return core_schema.no_info_after_validator_function(
        Duration.parse,
        core_schema.custom_error_schema(
            core_schema.str_schema(strict=True), "duration_type", custom_error_message="not a duration"
        ),
        serialization=core_schema.to_string_ser_schema(),
        metadata={"pydantic_js_functions": [lambda _schema, _handler: shape]},
    )


def _off(flag: bool) -> None:
    if flag:
        raise PydanticKnownError("literal_error", {"expected": "False"})


def _or_false(source: Any, handler: Any) -> CoreSchema:  # noqa: ANN401  pydantic's signature
    """`false` says None, which TOML can't."""
    shape = {"const": False}
    off = core_schema.no_info_after_validator_function(
        _off,
        core_schema.custom_error_schema(
            core_schema.bool_schema(strict=True), "off_type", custom_error_message="not false"
        ),
        metadata={"pydantic_js_functions": [lambda _schema, _handler: shape]},
    )
    return core_schema.union_schema([handler(source), off])


def _one_or_list(source: Any, handler: Any) -> CoreSchema:  # noqa: ANN401  pydantic's signature
    one = core_schema.no_info_after_validator_function(lambda table: [table], handler(PluginTable))
    return core_schema.union_schema([handler(source), one])


def _name_or_table(source: Any, handler: Any) -> CoreSchema:  # noqa: ANN401  pydantic's signature
    name = core_schema.no_info_after_validator_function(
        lambda use: PluginTable(use=use), core_schema.str_schema(strict=True)
    )
    return core_schema.union_schema([handler(source), name])


def _lasting(default: Duration, description: str) -> Any:  # noqa: ANN401  as pydantic.Field
    shown: dict[str, Any] = {"default": str(default)}
    return Field(default_factory=lambda: default, description=description, json_schema_extra=shown)


DurationText = Annotated[Duration, GetPydanticSchema(_duration_schema)]


class Table(BaseModel):
    """A table with these keys and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class PluginTable(BaseModel):
    """A plugin by name; all other keys are its options."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)

    use: str = Field(description="the name of a plugin")

    @property
    def options(self) -> dict[str, Any]:
        """The keys that belong to the plugin."""
        return dict(self.model_extra or {})


class TrackerTable(PluginTable):
    """A tracker, by default the one that the table is named after."""

    use: str = Field("", description="the name of a tracker, by default the name of the table")


def _named(tables: dict[str, TrackerTable]) -> dict[str, TrackerTable]:
    return {name: table.model_copy(update={"use": table.use or name}) for name, table in tables.items()}


class SplitTable(Table):
    """Which rows train, validate and test: shares by content hash, or the values of a column."""

    train: str | None = Field(None, description="with `column`: the value that marks training rows")
    validation: float | str = Field(
        0.0, description="share of the rows, or with `column` the value, for validation"
    )
    test: float | str = Field(
        0.0, description="share of the rows, or with `column` the value, held out for the end"
    )
    by: list[str] = Field(default_factory=list, description="columns that are hashed; all by default")
    column: str | None = Field(None, description="the column that says which split a row is in")
    salt: str = Field("", description="any text; another one gives another split")


Choice = str | int | float | bool


class WhereTable(Table):
    """What a cell has to be for its row to be kept; all that is written has to be true."""

    min: float | None = Field(None, description="a number of at least this")
    max: float | None = Field(None, description="a number of at most this")
    without: Choice | list[Choice] = Field(default_factory=list, description="none of these values")
    missing: bool | None = Field(None, description="true keeps only empty cells, false none of them")


class FoldTable(Table):
    """Cross-validation: the rows of one of several folds, drawn by hash, are the test rows."""

    k: PositiveInt = Field(description="which fold is held out, counted from 1")
    of: Annotated[int, Ge(2)] = Field(description="how many folds there are")


class PairTable(Table):
    """A second text for each row, out of the rows of its split, drawn by hash."""

    column: str = Field(description="our name of the column that is paired")
    by: str = Field(description="rows with one value in this column, our name, belong together")
    kind: PairKind = Field(
        "positive",
        description="positive adds COLUMN_pair; triplet adds COLUMN_negative too, which does not belong; "
        "either adds a pair that does or does not, and the column same that says so",
    )


class DataTable(PluginTable):
    """Rows that tasks read; all other keys are options of the source."""

    columns: dict[str, str] = Field(
        default_factory=dict, description="our name of a column = its name in the source"
    )
    labels: dict[str, dict[str, str]] = Field(default_factory=dict, description="per column: value = label")
    where: dict[str, Choice | list[Choice] | WhereTable] = Field(
        default_factory=dict,
        description="keep the rows whose column has this value, one in this list, or meets a condition",
    )
    split: SplitTable = Field(SplitTable(), description="which rows train, validate and test")
    limit: dict[Literal["train", "validation", "test"], PositiveInt] = Field(
        default_factory=dict, description="at most so many rows of each split"
    )
    fold: FoldTable | None = Field(None, description="hold out one fold of several, in place of a test share")
    pair: PairTable | None = Field(None, description="give each row a second text")


class BackboneGradTable(Table):
    """How much of a task's gradient reaches the backbone: a factor, along a curve over the run."""

    scale: Annotated[float, Ge(0)] = Field(1.0, description="the factor at the curve's peak")
    curve: Annotated[PluginTable, GetPydanticSchema(_name_or_table)] = Field(
        PluginTable(use="constant"), description="the name of a curve, or a table with its options"
    )


def _scale_or_table(source: Any, handler: Any) -> CoreSchema:  # noqa: ANN401  pydantic's signature
    scale = core_schema.no_info_after_validator_function(
        lambda factor: BackboneGradTable(scale=factor), core_schema.float_schema(strict=True, ge=0)
    )
    return core_schema.union_schema([handler(source), scale])


class TaskTable(Table):
    """One task: its rows, its head and its share of the loss."""

    data: str = Field(description="the name of a [data.NAME] table")
    head: PluginTable = Field(description="what is predicted, and from which columns")
    weight: Annotated[float, Ge(0)] = Field(1.0, description="factor on the loss of the task")
    backbone_grad: Annotated[BackboneGradTable, GetPydanticSchema(_scale_or_table)] = Field(
        BackboneGradTable(),
        description="how much of the task's gradient reaches the backbone: a factor, or a table",
    )
    batch_size: Portion | None = Field(
        None, description="rows of its data in a forward pass, in place of what the sampler says"
    )
    limit: PositiveInt | None = Field(
        None, description="how many of its labelled training rows count; the others are as without a label"
    )


def _selector(text: str) -> str:
    parse(text)
    return text


class LrTable(PluginTable):
    """Learning rates per group, and the curves they follow; all other keys are options."""

    curve: Annotated[PluginTable, GetPydanticSchema(_name_or_table)] = Field(
        PluginTable(use="constant"), description="the name of a curve, or a table with its options"
    )
    curves: dict[
        Annotated[str, AfterValidator(_selector)],
        Annotated[PluginTable, GetPydanticSchema(_name_or_table)],
    ] = Field(
        default_factory=dict,
        description="curves of the weights that a selector means, instead of `curve`; the first one counts",
    )


class StoreTable(Table):
    """What frozen weights yield, kept on disk for later epochs and runs."""

    max_bytes: Annotated[int, Ge(0)] = Field(
        16 * 2**30, description="what all runs together may keep; 0 keeps nothing on disk"
    )


class TrainingTable(Table):
    """How long and in what portions the model trains."""

    length: DurationText = _lasting(Duration(3, "ep"), "length of the run")
    batch_size: Portion = Field(32, description="rows per forward pass")
    accumulate: Portion = Field(1, description="forward passes per optimizer step")
    max_tokens: PositiveInt | None = Field(
        None, description="tokens per forward pass at most, padding included; a longer row is alone in one"
    )
    batching: Literal["random", "buckets"] = Field(
        "random", description="rows in random order, or batches of rows of like length in random order"
    )
    precision: Literal["fp32", "bf16", "auto"] = Field(
        "fp32",
        description="number format of the forward pass; auto is bf16 where the machine has it",
    )
    compile: bool = Field(False, description="compile the backbone, which takes a minute or two at the start")
    grad_clip: Annotated[Annotated[float, Gt(0)] | None, GetPydanticSchema(_or_false)] = Field(
        1.0, description="largest norm of the gradient; false for no limit"
    )
    evaluate_every: Annotated[DurationText | None, GetPydanticSchema(_or_false)] = _lasting(
        Duration(1, "ep"), "how often to evaluate; false for only at the end"
    )
    checkpoint_every: Annotated[DurationText | None, GetPydanticSchema(_or_false)] = _lasting(
        Duration(1, "ep"), "how often to write a checkpoint; false for only at the end"
    )
    on_nonfinite: Literal["stop", "skip"] = Field(
        "stop", description="what a loss or gradient that is not finite does: end the run, or skip the step"
    )
    keep: Annotated[int, Ge(2)] = Field(2, description="how many of the newest checkpoints are kept")
    store: StoreTable = Field(StoreTable(), description="what frozen weights yield, kept on disk")


MetricName = Annotated[str, Field(pattern=r"^[^/]+/[^/]+$")]


class SelectionTable(Table):
    """Which evaluation of the run is the best, and when there have been enough."""

    metric: MetricName | None = Field(None, description="the metric, as TASK/METRIC")
    metrics: dict[MetricName, float] = Field(
        default_factory=dict, description="several metrics with their weights, negative where lower is better"
    )
    mode: Literal["max", "min"] = Field("max", description="whether a higher or a lower score is better")
    relative: bool = Field(False, description="count each metric as its way from the start to perfection")
    patience: PositiveInt | None = Field(
        None, description="stop after so many evaluations in a row that were no better"
    )
    min_delta: Annotated[float, Ge(0)] = Field(
        0.0, description="what patience calls better: by more than this"
    )
    each_task: bool = Field(False, description="keep the best weights of every task too")


class GuardsTable(Table):
    """What becomes of a task whose head is frozen while the backbone trains."""

    frozen_head: Literal["report", "stop", "refit"] = Field(
        "report",
        description="report how it got worse; stop the run once it has; or fit such heads again at the end",
    )
    tolerance: Annotated[float, Ge(0)] = Field(
        0.02, description="by how much the task's primary metric may get worse before it is acted upon"
    )
    refit: DurationText = _lasting(Duration(1, "ep"), "how long heads are fitted again, after the run")


class LoggingTable(Table):
    """What is written down while training."""

    every: DurationText = _lasting(Duration(1, "st"), "how often trackers hear of a step")
    trackers: Annotated[dict[Slug, TrackerTable], AfterValidator(_named)] = Field(
        default_factory=dict, description="where logs go"
    )


class Recipe(Table):
    """A whole run: one backbone, its tasks, and how they are trained."""

    name: Slug = Field(description="the name of the run; its folder is called so")
    seed: Annotated[int, Ge(0), Lt(2**63)] = Field(0, description="the source of all randomness")
    backbone: PluginTable = Field(description="the pre-trained model that all tasks share")
    data: dict[Slug, DataTable] = Field(description="sources of rows, which several tasks may share")
    tasks: dict[Slug, TaskTable] = Field(description="what is learned")
    freeze: Annotated[list[PluginTable], GetPydanticSchema(_one_or_list)] = Field(
        [PluginTable(use="none")], description="which weights train when; several must all agree"
    )
    regularizer: Annotated[list[PluginTable], GetPydanticSchema(_one_or_list)] = Field(
        [], description="soft freezing: what pulls weights that train towards where they started"
    )
    lr: LrTable = Field(LrTable(use="uniform"), description="learning rates")
    optimizer: PluginTable = Field(PluginTable(use="adamw"), description="how a gradient becomes a step")
    sampler: PluginTable = Field(
        PluginTable(use="proportional"), description="how many rows of each task a step takes"
    )
    balancer: PluginTable = Field(
        PluginTable(use="sum"), description="how the tasks' losses become one gradient"
    )
    training: TrainingTable = Field(TrainingTable(), description="length, batches and precision")
    selection: SelectionTable | None = Field(None, description="which evaluation is the best")
    guards: GuardsTable = Field(GuardsTable(), description="what happens when a frozen head gets worse")
    logging: LoggingTable = Field(LoggingTable(), description="what is written down")
