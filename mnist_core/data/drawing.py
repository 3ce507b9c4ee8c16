"""Turns a drawing or a photo of a digit into an image like those of MNIST.

The digits of MNIST were "size normalized to fit in a 20x20 pixel box while preserving their aspect ratio. The resulting
images contain grey levels as a result of the anti-aliasing technique used by the normalization algorithm. The images
were centered in a 28x28 image by computing the center of mass of the pixels, and translating the image so as to
position this point at the center of the 28x28 field" (http://yann.lecun.com/exdb/mnist/). In its files that point is
the pixel (14, 14), and images are moved by whole pixels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from mnist_core.data import paper
from mnist_core.data.pictures import Levels, decode_picture
from mnist_core.errors import DrawingError

Digit = npt.NDArray[np.uint8]
"""An image as the networks see it, shape (28, 28): 0 is paper, 255 is ink."""

BOX = 20
SIDE = 28
CENTER = 14

_DRAWING_SIDE = 400
"""Drawings are reduced to this many pixels: 20 for each pixel of the box if they fill the pad."""

_LEAST_CONTRAST = 0.1
"""A drawing whose strongest ink differs less from its ground (levels from 0 to 1) is empty."""

_SMALLEST_SHARE = 0.08
"""A drawing shorter than this share of the pad is a dot, not a digit."""


def prepare_drawing(data: bytes) -> Digit:
    """Return the digit that a pad's picture shows: strokes of one shade on an even or transparent ground.

    A picture of 28 by 28 pixels is taken for a kept drawing, dark on light, which has been prepared already.

    Raises:
        DrawingError: the picture cannot be read, is empty, or shows too little.
    """
    levels = decode_picture(data, _DRAWING_SIDE)
    if levels.shape == (SIDE, SIDE) and levels.min() < 1 - _LEAST_CONTRAST:
        return np.round(255 * (1 - levels)).astype(np.uint8)
    frame = np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]])
    ink = np.abs(levels - np.median(frame))
    if ink.max() < _LEAST_CONTRAST:
        raise DrawingError("Draw a digit first.")
    ink /= ink.max()
    if max(_crop(ink).shape) < _SMALLEST_SHARE * max(ink.shape):
        raise DrawingError("Draw the digit larger.")
    return _like_mnist(ink)


def prepare_photo(data: bytes, *, invert: bool = False) -> Digit:
    """Return the digit on a photo: the largest group of strokes on paper or on a board.

    Whether ink is darker or lighter than the paper is found by itself; `invert` takes the other of the two. Shadows and
    ruled lines are removed.

    Raises:
        DrawingError: the picture cannot be read, or no digit is found.
    """
    return _like_mnist(paper.find_digit(decode_picture(data, paper.LONGEST_SIDE), invert=invert))


def _crop(ink: Levels) -> Levels:
    """Return the smallest rectangle that holds all pixels with at least a quarter of the strongest ink."""
    rows = np.flatnonzero((ink >= 0.25).any(axis=1))
    columns = np.flatnonzero((ink >= 0.25).any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _like_mnist(ink: Levels) -> Digit:
    """Scale the ink (levels from 0 to 1) to the box of 20 pixels, and centre it by its mass."""
    digit = _crop(ink)
    height, width = digit.shape
    scale = BOX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Enlarging with BOX would repeat pixels; reducing with it averages all that fall into one, as a scanner does.
    resample = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    small = np.asarray(Image.fromarray(digit).resize(size, resample)).clip(0, 1)
    row, column = (round(CENTER - center) for center in ndimage.center_of_mass(small))
    image = np.zeros((SIDE, SIDE), np.float32)
    # A digit with its mass at one end, such as a long-tailed 9, may have to stay nearer to the middle to fit.
    row, column = min(max(row, 0), SIDE - size[1]), min(max(column, 0), SIDE - size[0])
    image[row : row + size[1], column : column + size[0]] = small
    return np.round(255 * image).astype(np.uint8)
