"""Decoding pictures from strangers. What is in them is tested in test_drawing.py."""

import random
import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from mnist_core.data import pictures
from mnist_core.data.pictures import decode_picture
from mnist_core.errors import DrawingError
from tests.support.pictures import encode

SHADES = np.linspace(0, 255, 48 * 32).reshape(32, 48).astype(np.uint8)
"""A picture that looks different whichever way it is turned."""

SIDE = 400


def shades() -> Image.Image:
    return Image.fromarray(SHADES)


@pytest.mark.parametrize(
    "data",
    [
        encode(shades()),
        encode(shades().convert("RGB")),
        encode(shades().convert("P")),
        encode(Image.fromarray(SHADES.astype(np.uint16) * 257)),
        encode(shades().convert("RGB"), "JPEG", quality=100),
        encode(shades().convert("CMYK"), "JPEG", quality=100),
        encode(shades().convert("RGB"), "WEBP", lossless=True),
        # The second picture of a photo is a thumbnail or a gain map, not a frame of an animation.
        encode(shades(), "MPO", save_all=True, append_images=[Image.new("L", (48, 32))], quality=100),
    ],
    ids=["grey", "rgb", "palette", "16-bit", "jpeg", "cmyk", "webp", "two-pictures"],
)
def test_every_kind_of_picture_has_the_same_grey_levels(data: bytes) -> None:
    levels = decode_picture(data, SIDE)
    assert levels.shape == SHADES.shape
    assert np.abs(255 * levels - SHADES).max() < 4


@pytest.mark.parametrize(("orientation", "undo"), [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90)])
@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_photos_stand_upright(orientation: int, undo: Image.Transpose, format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(shades().transpose(undo), format, exif=exif)
    assert np.abs(255 * decode_picture(data, SIDE) - SHADES).max() < 10


def test_large_pictures_are_reduced_and_keep_their_proportions() -> None:
    levels = decode_picture(encode(Image.new("L", (3000, 1500), 200), "JPEG"), 300)
    assert levels.shape == (150, 300)
    assert levels == pytest.approx(200 / 255, abs=0.01)


@pytest.mark.parametrize("shade", [0, 230])
def test_the_shape_of_one_shade_on_a_transparent_ground_is_ink(shade: int) -> None:
    pixels = np.full((8, 8, 4), shade, np.uint8)
    pixels[..., 3] = 0
    pixels[2:6, 3, 3] = 255
    levels = decode_picture(encode(Image.fromarray(pixels)), SIDE)
    assert (levels[2:6, 3] == 0).all()
    assert levels.sum() == 64 - 4


def test_a_transparent_ground_is_white() -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[2:6, 2:6] = 255
    pixels[2:6, 3] = (0, 0, 0, 255)
    levels = decode_picture(encode(Image.fromarray(pixels)), SIDE)
    assert (levels[2:6, 3] == 0).all()
    assert levels.sum() == 64 - 4


def animated(format: str) -> bytes:
    frames = [Image.new("RGB", (9, 9), color) for color in ("red", "blue")]
    return encode(frames[0], format, save_all=True, append_images=frames[1:], duration=100)


def vast_webp() -> bytes:
    """The header of a picture of 16,383 pixels squared, which a decoder would fill with 1 GB."""
    data = bytearray(encode(Image.new("RGB", (16, 16)), "WEBP", lossless=True))
    size = data.index(b"VP8L") + 9
    data[size : size + 4] = (16382 | 16382 << 14).to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: b"", "The file is empty."),
        (lambda: b"digit", "The file is not a picture that can be read. Choose a PNG, JPEG or WebP picture."),
        (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture that can be read"),
        (lambda: encode(shades(), "GIF"), "not a picture that can be read"),
        (lambda: encode(shades(), "TIFF"), "not a picture that can be read"),
        (lambda: encode(shades(), "JPEG")[:-200], "The picture is damaged or incomplete."),
        (lambda: animated("PNG"), "The picture is animated. Choose a still one."),
        (lambda: animated("WEBP"), "The picture is animated. Choose a still one."),
        (lambda: b"\x89PNG" + bytes(9 * 2**20), "The picture has 9.0 MB. Choose one of at most 8 MB."),
        (lambda: encode(Image.new("1", (5001, 5000))), "has 5\u202f001 × 5\u202f000 pixels. Choose one of at most 25"),
        (vast_webp, "The picture has too many pixels. Choose one of at most 25 million."),
    ],
)
def test_other_files_are_refused_in_one_sentence(make: Callable[[], bytes], message: str) -> None:
    with pytest.raises(DrawingError, match=re.escape(message)):
        decode_picture(make(), SIDE)


def test_a_decompression_bomb_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = encode(Image.new("1", (12_000, 12_000)))
    assert len(bomb) < 100_000
    monkeypatch.setattr(pictures, "_plain_mode", lambda image: pytest.fail("the pixels were decoded"))
    with pytest.raises(DrawingError, match="Choose one of at most 25 million"):
        decode_picture(bomb, SIDE)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_damaged_pictures_raise_no_other_error(format: str) -> None:
    whole = encode(shades(), format)
    chance = random.Random(0)
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            levels = decode_picture(bytes(damaged[: chance.randrange(1, 2 * len(whole))]), SIDE)
        except DrawingError:
            continue
        assert 0 <= levels.min() <= levels.max() <= 1
