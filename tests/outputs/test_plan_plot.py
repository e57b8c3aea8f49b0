"""The drawing as a file: well-formed, escaped, complete, and the same as text and PNG."""

import re
import sys
import xml.etree.ElementTree as ET
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mtlkit.builtin.curves.linear import Linear
from mtlkit.builtin.freeze.phases import Phases, PhaseSpec
from mtlkit.builtin.lr.layer_decay import LayerDecay
from mtlkit.contracts.duration import Duration
from mtlkit.errors import ResourceError, UsageError
from mtlkit.outputs.plan_picture import COLUMNS, FILLS, FROZEN, Picture, picture
from mtlkit.outputs.plan_plot import check_suffix, write_plot
from mtlkit.outputs.plan_png import SCALE, plan_png
from mtlkit.outputs.plan_svg import plan_svg
from mtlkit.plan.drawing import LEVELS, drawing
from mtlkit.plan.timeline import Timeline
from tests.plan.timelines import made, timelines

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = 'a<b>&"c"\x1b\n'


def painted(line: Timeline, name: str = "run") -> Picture:
    return picture(drawing(line, tuple(line.moments()), COLUMNS), name)


def phased(total: int = 100) -> Timeline:
    policy = Phases(
        (
            PhaseSpec(Duration(20, "%"), ("backbone",), HOSTILE),
            PhaseSpec(Duration(50, "%"), ("type:bias & blocks",)),
            PhaseSpec(None),
        )
    )
    return Timeline((policy,), LayerDecay(1e-3), Linear(warmup=Duration(5, "%")), made(3, "news"), total, 5)


@settings(max_examples=50)
@given(timelines(max_depth=6), st.text(max_size=20))
def test_svg_is_well_formed_whatever_the_names_are(line, name):
    drawn = painted(line, name)
    root = ET.fromstring(plan_svg(drawn))
    assert root.tag == f"{SVG}svg"
    assert root.find(f"{SVG}title").text == drawn.title
    assert len(root.findall(f"{SVG}rect")) == len(drawn.boxes) + 1
    assert [each.text for each in root.findall(f"{SVG}text")] == [words.text for words in drawn.words]
    assert all(each.find(f"{SVG}title").text for each in root.findall(f"{SVG}rect")[1:])
    for box in drawn.boxes:
        assert box.x >= 0
        assert box.x + box.width <= drawn.width + 1e-6
        assert box.y + box.height <= drawn.height


def test_names_are_escaped():
    text = plan_svg(painted(phased(), HOSTILE))
    assert "<b>" not in text
    assert "\x1b" not in text
    assert '<title id="title">Timeline of a&lt;b&gt;&amp;&quot;c&quot;\\x1b\\n</title>' in text


def test_svg_has_title_axes_legend_lanes_and_phases():
    text = plan_svg(painted(phased()))
    words = re.findall(r"<text[^>]*>([^<]*)</text>", text)
    for expected in (
        "Timeline of run",
        "layer",
        "step",
        "0",
        "100",
        "rate, log scale",
        "frozen",
        "partly frozen",
    ):
        assert expected in words
    assert [each for each in words if each.startswith(("embeddings", "block", "final", "head."))] == [
        "embeddings", "block 1", "block 2", "block 3", "head.news",
    ]  # fmt: skip
    assert {"2 (20)", "3 (50)"} <= set(words)
    assert text.count("<line ") == 2
    assert 'role="img"' in text
    assert "<title>block 2, steps 0–20: frozen</title>" in text
    assert len(re.findall(r"<title>block 2, steps 2\d–\d+: rates? [^<]*, partly frozen</title>", text)) >= 1
    assert "script" not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_boxes_cover_every_lane_without_overlap():
    drawn = painted(phased())
    by_lane: dict[str, list[tuple[float, float]]] = {}
    for box in drawn.boxes:
        found = re.fullmatch(r"(.*), steps [\d,–]+: (.*)", box.means)
        if found and not (box.fill != FROZEN and "partly" in found[2]):
            by_lane.setdefault(found[1], []).append((box.x, box.x + box.width))
    assert len(by_lane) == 5
    for stretches in by_lane.values():
        assert stretches == sorted(stretches)
        ends = [edge for stretch in stretches for edge in stretch]
        assert ends[0] == 190
        assert ends[-1] == pytest.approx(970)
        assert ends[1:-1:2] == pytest.approx(ends[2::2])


def test_fills_go_from_light_to_dark():
    shades = [sum(bytes.fromhex(fill[1:])) for fill in FILLS]
    assert len(shades) == LEVELS + 1
    assert shades == sorted(set(shades), reverse=True)
    assert FROZEN not in FILLS


def test_png_has_the_colours_of_the_boxes():
    drawn = painted(phased())
    image = Image.open(BytesIO(plan_png(drawn)))
    assert (image.format, image.size) == ("PNG", (drawn.width * SCALE, drawn.height * SCALE))
    compared = 0
    for number, box in enumerate(drawn.boxes):
        x, y = box.x + box.width / 2, box.y + box.height * 0.8
        hidden = any(
            other.x <= x <= other.x + other.width and other.y <= y <= other.y + other.height
            for other in drawn.boxes[number + 1 :]
        ) or any(abs(stroke.x - x) < 2 for stroke in drawn.strokes)
        if not hidden:
            compared += 1
            assert "#{:02x}{:02x}{:02x}".format(*image.getpixel((int(x * SCALE), int(y * SCALE)))) == box.fill
    assert compared >= 30


def test_a_run_without_steps_can_be_drawn():
    drawn = painted(phased(0))
    ET.fromstring(plan_svg(drawn))
    assert plan_png(drawn).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["plan.svg", "plan.SVG", "plan.png"])
def test_files_are_the_same_each_time(tmp_path, name):
    line = phased()
    file = tmp_path / name
    write_plot(painted(line), file)
    first = file.read_bytes()
    write_plot(painted(line), file)
    assert file.read_bytes() == first
    assert first.startswith(b"\x89PNG" if name.endswith("png") else b"<svg ")


@pytest.mark.parametrize("name", ["plan", "plan.pdf", ".svg", "svg"])
def test_another_suffix_is_refused(tmp_path, name):
    file = tmp_path / name
    with pytest.raises(UsageError) as raised:
        check_suffix(file)
    assert str(raised.value) == (
        f"the timeline can't be drawn to {file}  name a file that ends with .svg or .png"
    )
    with pytest.raises(UsageError):
        write_plot(painted(phased()), file)
    assert not file.exists()


def test_a_file_that_can_not_be_written_is_told(tmp_path):
    with pytest.raises(ResourceError, match="can't be written.*choose another file for --plot"):
        write_plot(painted(phased()), tmp_path / "nowhere" / "plan.svg")


def test_png_without_pillow_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ResourceError) as raised:
        plan_png(painted(phased()))
    assert str(raised.value) == (
        "a PNG is painted with Pillow, which is not installed  pip install pillow, or plot to a .svg file"
    )
