"""A picture as PNG, painted by Pillow, which comes with TensorBoard."""

from io import BytesIO

from mtlkit.errors import ResourceError
from mtlkit.outputs.plan_picture import Picture

ANCHORS = {"start": "lm", "middle": "mm", "end": "rm"}
SCALE = 2
LETTERS = 12


def plan_png(picture: Picture) -> bytes:
    """The picture as the bytes of a PNG file, twice as large as the SVG.

    Raises:
        ResourceError: when Pillow is not installed.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        raise ResourceError(
            "a PNG is painted with Pillow, which is not installed",
            "pip install pillow, or plot to a .svg file",
        ) from error
    image = Image.new("RGB", (picture.width * SCALE, picture.height * SCALE), "#ffffff")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(LETTERS * SCALE)
    for box in picture.boxes:
        left, top = round(box.x * SCALE), round(box.y * SCALE)
        # the corner that Pillow takes is inside of the box
        right = max(left, round((box.x + box.width) * SCALE) - 1)
        bottom = max(top, round((box.y + box.height) * SCALE) - 1)
        pen.rectangle((left, top, right, bottom), box.fill, "#999999" if box.fill == "#ffffff" else None)
    for stroke in picture.strokes:
        x = round(stroke.x * SCALE)
        pen.line((x, round(stroke.top * SCALE), x, round(stroke.bottom * SCALE)), "#b03030", SCALE)
    for words in picture.words:
        place = (round(words.x * SCALE), round(words.y * SCALE))
        pen.text(place, words.text, "#000000", font, anchor=ANCHORS[words.anchor])
    written = BytesIO()
    image.save(written, "PNG")
    return written.getvalue()
