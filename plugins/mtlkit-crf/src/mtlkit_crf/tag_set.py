"""The tags of a task's head in their order, and the rows of tags as numbers."""

from collections.abc import Sequence
from difflib import get_close_matches

from attrs import frozen

import mtlkit
from mtlkit_crf.bio import first_break, starts_of, without_begin
from mtlkit_crf.options import Crf

IGNORED = -100
"""The number of a missing tag."""


@frozen
class TagSet:
    """The tags that a head knows; a tag is known by its number."""

    task: str
    options: Crf
    names: tuple[str, ...]

    @classmethod
    def of(cls, options: Crf, context: mtlkit.HeadContext) -> "TagSet":
        """The tags that the recipe lists, else those of the training rows.

        Raises:
            RecipeError: when there are none, or one of them could never occur under the constraints.
        """
        tags = cls(context.task, options, options.labels or context.labels)
        if not tags.names:
            message = f"no training row has a value in the column {options.label!r}"
            raise tags._error("label", message, "name the column of the tags")
        if options.constrained and (lost := without_begin(tags.names)):
            begin = starts_of(lost[0])[0]
            message = (
                f"the tags of the training rows have {lost[0]!r} but never {begin!r}, so they are not BIO"
            )
            raise tags._error("constrained", message, "set constrained = false, or make the tags BIO (IOB2)")
        return tags

    def numbers(self, row: mtlkit.Record) -> list[int]:
        """The tag numbers of a row's words, `IGNORED` where a tag is missing; empty for a row without tags.

        Raises:
            RecipeError: when a tag is not among the names, or breaks the constraints; names the row.
            DataError: when a row has more or fewer tags than words, or a column holds text.
        """
        words, cells = row.get(self.options.tokens) or [], row.get(self.options.label)
        if not cells:
            return []
        for column, value in ((self.options.tokens, words), (self.options.label, cells)):
            if isinstance(value, str):
                raise mtlkit.DataError(
                    f"the column {column!r} holds text, not lists", "one word and one tag for each place"
                )
        if len(cells) != len(words):
            message = f"the row {snippet(words)} has {len(words)} words but {len(cells)} tags"
            raise mtlkit.DataError(
                message, f"{self.options.label!r} must be as long as {self.options.tokens!r}"
            )
        tags = [known_tag(cell) for cell in cells]
        self._check(words, tags)
        return [IGNORED if tag is None else self.names.index(tag) for tag in tags]

    def _check(self, words: Sequence[mtlkit.Value], tags: Sequence[str | None]) -> None:
        for tag in tags:
            if tag is not None and tag not in self.names:
                near = get_close_matches(tag, self.names, n=1)
                meant = f"did you mean {near[0]!r}?" if near else f"the tags are: {', '.join(self.names[:8])}"
                raise self._error(
                    "labels", f"the tag {tag!r} of the row {snippet(words)} is not known", meant
                )
        place = first_break(tags) if self.options.constrained else None
        if place is not None:
            tag = str(tags[place])
            message = (
                f"the tag {tag!r} of word {place + 1} of the row {snippet(words)} "
                f"follows neither {' nor '.join(map(repr, starts_of(tag)))}"
            )
            raise self._error("constrained", message, "make the tags BIO (IOB2), or set constrained = false")

    def _error(self, option: str, message: str, suggestion: str) -> mtlkit.RecipeError:
        return mtlkit.RecipeError(mtlkit.Problem(message, suggestion, f"tasks.{self.task}.head.{option}"))


def known_tag(cell: mtlkit.Value) -> str | None:
    """A cell as a tag; None where it is missing (None or empty)."""
    return None if cell is None or cell == "" else str(cell)


def snippet(words: Sequence[mtlkit.Value]) -> str:
    """The beginning of a row, quoted."""
    text = " ".join(map(str, words))
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
