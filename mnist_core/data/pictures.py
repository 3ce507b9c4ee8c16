"""Decodes pictures from strangers: PNG, JPEG and WebP, within limits that are checked before a pixel is decoded."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

from mnist_core.errors import DrawingError
from mnist_core.formatting import format_count

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

Levels = npt.NDArray[np.float32]
"""Grey levels of a picture, shape (height, width)."""

MAX_PICTURE_BYTES = 8 * 2**20
MAX_PICTURE_PIXELS = 25_000_000
"""More than the 24.5 million of a large phone photo. Decoded, so many pixels take at most 100 MB."""

_FORMATS = ("PNG", "JPEG", "WEBP")
_CHOOSE = "Choose a PNG, JPEG or WebP picture."
_DAMAGED = f"The picture is damaged or incomplete. {_CHOOSE}"
_FEWER_PIXELS = f"Choose one of at most {MAX_PICTURE_PIXELS // 10**6} million."

_ONE_SHADE = 0.15
"""Largest difference of grey levels (0 to 1) within what counts as one shade."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What sets a picture upright, by the EXIF orientation."""


def decode_picture(data: bytes, longest_side: int) -> Levels:
    """Return the grey levels, 0 (black) to 1 (white), of a still picture, upright as its camera was held.

    Pictures with a longer side are reduced to `longest_side` pixels. Where a picture is transparent it is white, unless
    its visible pixels all have one shade: then the shape is in the transparency, and is drawn black on white.

    Raises:
        DrawingError: the bytes are no such picture, are damaged, or exceed a limit.
    """
    if not data:
        raise DrawingError(f"The file is empty. {_CHOOSE}")
    if len(data) > MAX_PICTURE_BYTES:
        raise DrawingError(
            f"The picture has {len(data) / 2**20:.1f} MB. Choose one of at most {MAX_PICTURE_BYTES // 2**20} MB."
        )
    with warnings.catch_warnings():
        # Pillow's own limit on pixels warns; the limit here is lower and refuses.
        warnings.simplefilter("ignore")
        try:
            return _decode(data, longest_side)
        except (DrawingError, MemoryError):
            raise
        except UnidentifiedImageError as error:
            raise DrawingError(f"The file is not a picture that can be read. {_CHOOSE}") from error
        except Image.DecompressionBombError as error:
            raise DrawingError(f"The picture has too many pixels. {_FEWER_PIXELS}") from error
        except Exception as error:
            # Damaged files make decoders raise almost any error: OSError, SyntaxError, struct.error, IndexError, ...
            raise DrawingError(_DAMAGED) from error


def _decode(data: bytes, longest_side: int) -> Levels:
    with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        _refuse_unsuitable(image)
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
        # JPEG can be decoded at a half, a quarter or an eighth of its size: faster, and with less memory.
        image.draft(image.mode, (longest_side, longest_side))
        reduced = _plain_mode(image)
        reduced.thumbnail((longest_side, longest_side), Image.Resampling.BOX)
        return _grey_levels(reduced if turn is None else reduced.transpose(turn))


def _refuse_unsuitable(image: ImageFile) -> None:
    """Refuse by what the header says; no pixel has been decoded yet."""
    width, height = image.size
    if width * height > MAX_PICTURE_PIXELS:
        raise DrawingError(f"The picture has {format_count(width)} × {format_count(height)} pixels. {_FEWER_PIXELS}")
    # A photo may hold a second picture, such as a gain map, without being animated.
    if image.format in ("PNG", "WEBP") and getattr(image, "n_frames", 1) > 1:
        raise DrawingError("The picture is animated. Choose a still one.")


def _plain_mode(image: Image.Image) -> Image.Image:
    """Decode the pixels as grey levels, with alpha if the picture has transparent parts."""
    if image.mode.startswith("I"):
        # Pillow would cut off levels of 16 bits at 255 instead of scaling them.
        return Image.fromarray((np.asarray(image).clip(0, 65535) // 257).astype(np.uint8))
    return image.convert("RGBA").convert("LA") if image.has_transparency_data else image.convert("L")


def _grey_levels(image: Image.Image) -> Levels:
    levels: Levels = np.asarray(image, np.float32) / np.float32(255)
    if image.mode != "LA":
        return levels
    grey, opacity = levels[..., 0], levels[..., 1]
    visible = grey[opacity > 0.5]
    if visible.size and np.ptp(visible) < _ONE_SHADE and opacity.min() < 0.5:
        return 1 - opacity
    return 1 - opacity * (1 - grey)
