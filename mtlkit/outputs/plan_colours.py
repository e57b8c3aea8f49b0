"""The lines of a drawing in the colours of a terminal."""

from collections.abc import Sequence

from rich.text import Text

from mtlkit.outputs.plan_drawing import Line

COLOURS = ("grey50", "#3b5b92", "#31708e", "#2a8584", "#35986f", "#63a754", "#95b340", "#c5b83a", "#f2ba3d")
"""By level, dark to bright: the order holds in print and for eyes that see few colours."""


def coloured(lines: Sequence[Line]) -> Text:
    """The lines as one text."""
    whole = Text(no_wrap=True, overflow="ignore")
    for number, line in enumerate(lines):
        whole.append("\n" if number else "")
        for piece in line:
            whole.append(piece.text, None if piece.level is None else COLOURS[piece.level])
    return whole
