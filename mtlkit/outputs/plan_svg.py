"""A picture as SVG: one file without scripts, styles or fonts from elsewhere."""

from collections.abc import Iterator
from html import escape

from mtlkit.outputs.plan_picture import Box, Picture, Stroke, Words

HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
    'height="{height}" role="img" aria-labelledby="title summary" font-family="sans-serif" font-size="12">'
)


def plan_svg(picture: Picture) -> str:
    """The picture as an SVG document; every box and border says in its title what it means."""
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    yield HEAD.format(width=picture.width, height=picture.height)
    yield f'<title id="title">{escape(picture.title)}</title>'
    yield f'<desc id="summary">{escape(picture.summary)}</desc>'
    yield f'<rect width="{picture.width}" height="{picture.height}" fill="#ffffff"/>'
    yield from map(_box, picture.boxes)
    yield from map(_stroke, picture.strokes)
    yield from map(_words, picture.words)
    yield "</svg>"


def _box(box: Box) -> str:
    place = f'x="{box.x:.7g}" y="{box.y:.7g}" width="{box.width:.7g}" height="{box.height:.7g}"'
    frame = ' stroke="#999999" stroke-width="0.5"' if box.fill == "#ffffff" else ""
    return f'<rect {place} fill="{box.fill}"{frame}><title>{escape(box.means)}</title></rect>'


def _stroke(stroke: Stroke) -> str:
    place = f'x1="{stroke.x:.7g}" y1="{stroke.top:.7g}" x2="{stroke.x:.7g}" y2="{stroke.bottom:.7g}"'
    return (
        f'<line {place} stroke="#b03030" stroke-dasharray="3 2"><title>{escape(stroke.means)}</title></line>'
    )


def _words(words: Words) -> str:
    place = f'x="{words.x:.7g}" y="{words.y:.7g}" dy="0.35em" text-anchor="{words.anchor}"'
    return f"<text {place}>{escape(words.text)}</text>"
