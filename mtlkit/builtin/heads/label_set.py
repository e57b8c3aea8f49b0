"""The classes of a head in their order, and what to say of a label that is none of them."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from mtlkit.contracts.data import Value
from mtlkit.contracts.head import HeadContext
from mtlkit.contracts.nearest import nearest
from mtlkit.errors import Problem, RecipeError

IGNORED = -100
"""The class number of a missing label: what torch's cross-entropy leaves out by default."""


@frozen
class LabelSet:
    """The class names of one task's head; a class is known by its number."""

    task: str
    names: tuple[str, ...]

    @classmethod
    def of(
        cls, chosen: tuple[str, ...], column: str, context: HeadContext, ignored: tuple[str, ...] = ()
    ) -> LabelSet:
        """The classes the recipe chose, else those of the training rows that are not `ignored`.

        Raises:
            RecipeError: when there is no class, or one is named twice.
        """
        names = chosen or tuple(name for name in context.labels if name not in ignored)
        place = f"tasks.{context.task}.head"
        if not names:
            message = f"no training row has a value in the column {column!r}"
            raise RecipeError(Problem(message, "name the column of the labels", f"{place}.label"))
        if twice := sorted({name for name in names if names.count(name) > 1}):
            message = f"the label {twice[0]!r} is listed twice"
            raise RecipeError(Problem(message, "list each label once", f"{place}.labels"))
        return cls(context.task, names)

    def number(self, label: Value, row_text: Value) -> int:
        """The number of the label's class, `IGNORED` where it is missing (None or empty).

        Raises:
            RecipeError: when it is none of the classes; names the label and the row.
        """
        if label is None or label == "":
            return IGNORED
        try:
            return self.names.index(str(label))
        except ValueError:
            raise self._unknown(str(label), row_text) from None

    def unknown_weights(self, named: Iterable[str]) -> tuple[Problem, ...]:
        """One problem for each class weight whose class does not exist."""
        path = f"tasks.{self.task}.head.class_weights"
        return tuple(
            Problem(f"there is no label {name!r}", self._suggestion(name), path)
            for name in named
            if name not in self.names
        )

    def _unknown(self, label: str, row_text: Value) -> RecipeError:
        message = f"the label {label!r} of the row {_snippet(row_text)} is not among the labels"
        return RecipeError(Problem(message, self._suggestion(label), f"tasks.{self.task}.head.labels"))

    def _suggestion(self, label: str) -> str:
        close = nearest(label, self.names)
        some = ", ".join(self.names[:8]) + (", …" if len(self.names) > 8 else "")
        return f"did you mean {close!r}?" if close else f"the labels are: {some}"


def _snippet(value: Value) -> str:
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
