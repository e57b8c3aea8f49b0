"""What a `[data.NAME]` table asks of its rows, as a plain value."""

from mtlkit.contracts.rows import Condition, FoldSpec, PairSpec, RowSpec, SplitSpec
from mtlkit.recipe.model import Choice, DataTable, WhereTable


def row_spec(table: DataTable) -> RowSpec:
    """What a data table says about rows, as a plain value."""
    split = table.split
    return RowSpec(
        columns=dict(table.columns),
        labels={column: dict(values) for column, values in table.labels.items()},
        where={column: _asked(values) for column, values in table.where.items()},
        split=SplitSpec(
            train=split.train,
            validation=split.validation,
            test=split.test,
            by=tuple(split.by),
            column=split.column,
            salt=split.salt,
        ),
        limit={str(split): rows for split, rows in table.limit.items()},
        fold=FoldSpec(table.fold.k, table.fold.of) if table.fold else None,
        pair=PairSpec(table.pair.column, table.pair.by, table.pair.kind) if table.pair else None,
    )


def _asked(values: Choice | list[Choice] | WhereTable) -> tuple[Choice, ...] | Condition:
    if isinstance(values, WhereTable):
        without = values.without if isinstance(values.without, list) else [values.without]
        return Condition(values.min, values.max, tuple(without), values.missing)
    return tuple(values) if isinstance(values, list) else (values,)
