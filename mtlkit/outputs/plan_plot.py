"""The drawing of a timeline as a file, SVG or PNG by its suffix."""

from pathlib import Path

from mtlkit.errors import ResourceError, UsageError
from mtlkit.outputs.plan_picture import Picture
from mtlkit.outputs.plan_png import plan_png
from mtlkit.outputs.plan_svg import plan_svg
from mtlkit.whole_file import write_whole

SVG, PNG = ".svg", ".png"


def check_suffix(path: Path) -> None:
    """Check that there is a format for the file.

    Raises:
        UsageError: when its name ends with neither .svg nor .png.
    """
    if path.suffix.lower() not in (SVG, PNG):
        raise UsageError(
            f"the timeline can't be drawn to {path}", f"name a file that ends with {SVG} or {PNG}"
        )


def write_plot(picture: Picture, path: Path) -> None:
    """Write the picture in the format of the file's suffix.

    Raises:
        UsageError: when it is neither .svg nor .png.
        ResourceError: when the file can't be written, or a PNG is wanted and Pillow is not there.
    """
    check_suffix(path)
    drawn = plan_svg(picture).encode() if path.suffix.lower() == SVG else plan_png(picture)
    try:
        write_whole(path, drawn)
    except OSError as error:
        raise ResourceError(f"{path} can't be written: {error}", "choose another file for --plot") from error
