"""Pixels are what Pillow and the transformers library make of an image; what is no image says so by name."""

import warnings
from io import BytesIO
from pathlib import Path
from random import Random

import mtlkit
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from mtlkit_vision.batches import ImageRow, Reader
from mtlkit_vision.pictures import SUFFIXES, decode, pixels, read_file, write_noise
from mtlkit_vision.preprocessing import Preprocessing

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "PPM")
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def encoded(image, form, **settings):
    file = BytesIO()
    image.save(file, form, **settings)
    return file.getvalue()


NOISE = Image.fromarray(np.random.default_rng(3).integers(0, 256, (13, 11, 3), np.uint8))
WHOLE = {form: encoded(NOISE, form) for form in FORMATS}


def test_normalised_pixels_are_those_of_the_transformers_processor(pictures):
    processor = ViTImageProcessorPil(size={"height": 24, "width": 20}, image_mean=MEAN, image_std=STD)
    images = [Image.open(picture).convert("RGB") for picture in pictures]
    told = processor(images=images, return_tensors="np")["pixel_values"]
    reader = Reader(Preprocessing((24, 20), MEAN, STD), 1)
    batch = reader.collate(reader.prepare([(picture,) for picture in pictures]))
    assert batch.pixels.shape == (6, 3, 24, 20)
    assert np.allclose(batch.pixels.numpy(), told, atol=1e-5)


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 40))
def test_normalising_is_undone_by_its_inverse(seed, height, width):
    given = np.random.default_rng(seed).integers(0, 256, (2, height, width, 3), np.uint8)
    batch = Reader(Preprocessing((height, width), MEAN, STD), 3).collate(
        [ImageRow(each, 3) for each in given]
    )
    back = (batch.pixels.numpy().transpose(0, 2, 3, 1) * STD + MEAN) * 255
    assert (np.rint(back) == given).all()


def test_grey_becomes_three_equal_channels_and_transparency_is_dropped():
    grey = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    found = np.asarray(decode(encoded(grey, "PNG"), Path("grey.png")))
    assert (found == np.asarray(grey)[:, :, None]).all()
    clear = NOISE.convert("RGBA")
    clear.putalpha(7)
    assert (np.asarray(decode(encoded(clear, "PNG"), Path("a.png"))) == np.asarray(NOISE)).all()
    palette = NOISE.quantize(16)
    shown = np.asarray(palette.convert("RGB"))
    content = encoded(palette, "PNG", transparency=bytes(range(16)))
    assert (np.asarray(decode(content, Path("p.png"))) == shown).all()
    assert (np.asarray(decode(encoded(NOISE.convert("1"), "PNG"), Path("b.png"))) % 255 == 0).all()


def test_a_photograph_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned right by a quarter
    content = encoded(NOISE, "PNG", exif=exif)
    assert (np.asarray(decode(content, Path("a.png"))) == np.rot90(np.asarray(NOISE), -1)).all()


@pytest.mark.parametrize(
    "content", [encoded(Image.new("I;16", (3, 3), 300), "PNG"), b"P5 2 1 65535\n" + bytes(range(4))]
)
def test_more_than_8_bits_are_refused_and_not_cut(content):
    with pytest.raises(mtlkit.DataError, match=r"deep\.png.*more than 8 bits"):
        decode(content, Path("deep.png"))


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_read(form):
    assert decode(WHOLE[form], Path("x")).size == (11, 13)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("share", [0, 0.2, 0.5, 0.9])
def test_a_truncated_image_is_named(form, share):
    content = WHOLE[form][: int(len(WHOLE[form]) * share)]
    with pytest.raises(mtlkit.DataError, match=r"cut\.image.*is not an image that can be read"):
        decode(content, Path("cut.image"))


@settings(max_examples=300)
@given(st.sampled_from(FORMATS), st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=6))
def test_damaged_bytes_are_an_image_or_a_data_error(form, changes):
    content = bytearray(WHOLE[form])
    for place, value in changes:
        content[int(place * len(content))] = value
    problem = None
    try:
        found = decode(bytes(content), Path("x")).mode
    except mtlkit.DataError as error:
        found, problem = "", error.problems[0]
    assert found == "RGB" or (problem and problem.file == "x")


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_other_bytes_are_no_image(content):
    with pytest.raises(mtlkit.DataError):
        decode(content, Path("x"))


def test_formats_that_pillow_gives_to_other_programs_are_not_opened():
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    assert Image.open(BytesIO(script)).format == "EPS"
    with pytest.raises(mtlkit.DataError, match="none of the formats"):
        decode(script, Path("x.png"))


def test_an_image_too_large_to_be_meant_is_refused(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(mtlkit.DataError, match="is not an image"):
        decode(WHOLE["PNG"], Path("x"))


def test_warnings_are_as_they_were():
    before = list(warnings.filters)
    decode(WHOLE["PNG"], Path("x"))
    assert warnings.filters == before


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(mtlkit.ResourceError, match=r"gone\.png.*can't be read"):
        read_file(tmp_path / "gone.png")


def test_noise_is_written_in_every_format_that_is_read(tmp_path):
    for suffix in SUFFIXES:
        write_noise(tmp_path / f"a{suffix}", (5, 4), Random(1))
        assert pixels(tmp_path / f"a{suffix}", (8, 6)).shape == (8, 6, 3)
    assert len(SUFFIXES) == 7
