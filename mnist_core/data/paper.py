"""Finds a handwritten digit on a photo of paper or of a board.

Light falls unevenly on photos, so ink is measured against the paper around it, not against one level. Ruled lines are
long, thin and straight; strokes that cross them stay. The digit is the group of strokes with the most ink.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from mnist_core.data.pictures import Levels
from mnist_core.errors import DrawingError

Mask = npt.NDArray[np.bool_]

LONGEST_SIDE = 600
"""Pixels of the longer side of the photos that this module looks at; smaller ones are enlarged."""

_PAPER_WINDOW = 0.3
"""Share of the longer side: paper is what is left of the picture when narrower marks are filled up."""

_COARSE = 6
"""Every sixth pixel is enough to tell light ink from dark."""

_LEAST_INK = 0.12
"""Ink takes at least this share of the paper's light."""

_NOISE_FACTOR = 6.0
"""Ink stands out from the paper by so many standard deviations of its grain."""

_LINE_SPAN = 0.8
"""Share of the picture's width or height that a ruled line crosses."""

_LINE_SLOPES = np.tan(np.radians(np.arange(-10, 10.01, 0.5)))
_LINE_THICKNESS = 0.02
"""Share of the longer side; ruled lines are thinner."""

_GAP = 0.02
"""Share of the longer side: strokes nearer to each other belong together."""

_STROKE_GAP = 0.25
"""Share of the digit's longer side: strokes nearer to it belong to it."""

_SMALLEST_STROKE, _LARGEST_STROKE = 0.08, 0.7
"""Shares of the ink of the digit's main group; less is a speck or the rest of a line, more is the next digit."""

_SMALLEST_DIGIT = 0.06
_MOST_INK = 0.4
"""Shares of the longer side and of the picture. A digit is taller than the one and has less ink than the other."""

_EDGE_PENALTIES = (1.0, 0.2, 1e-6)
"""Factors for groups that no edge of the photo cuts off, one, and several. A desk around the paper is darker and larger
than any digit, and so may be a shadow that crosses a corner; only if there is nothing else are they taken for one."""

_THINNEST_STROKE = 1.9 / 20
"""Share of the digit's longer side. Strokes of MNIST are about two pixels of 20 wide; thinner ones are thickened."""


def find_digit(levels: Levels, *, invert: bool = False) -> Levels:
    """Return the digit's ink, 0 to 1, in the frame of the photo. `invert` takes light for dark.

    Raises:
        DrawingError: no digit is found.
    """
    levels = _enlarged(levels)
    ink = _missing_light(1 - levels if _has_light_ink(levels) != invert else levels)
    mask = _strong(ink)
    digit = _largest_group(_without_lines(mask))
    if digit is None:
        # A single straight stroke across the picture is a 1, not a ruled line.
        digit = _largest_group(mask)
    if digit is None:
        raise DrawingError("No digit found. Crop closer, or write thicker.")
    return _thickened((ink / np.percentile(ink[digit], 75)).clip(0, 1), digit)


def _enlarged(levels: Levels) -> Levels:
    scale = LONGEST_SIDE / max(levels.shape)
    if scale <= 1:
        return levels
    size = (max(1, round(levels.shape[1] * scale)), max(1, round(levels.shape[0] * scale)))
    return np.asarray(Image.fromarray(levels).resize(size, Image.Resampling.BICUBIC)).clip(0, 1)


def _has_light_ink(levels: Levels) -> bool:
    """Return whether marks are lighter than what is around them: the median of a wide window, so mostly paper."""
    coarse = levels[::_COARSE, ::_COARSE]
    marks = coarse - ndimage.median_filter(coarse, size=round(_PAPER_WINDOW * LONGEST_SIDE / _COARSE))
    return float(np.maximum(marks - _LEAST_INK, 0).sum()) > float(np.maximum(-marks - _LEAST_INK, 0).sum())


def _missing_light(levels: Levels) -> Levels:
    """Return the share of the paper's light that is missing at each pixel."""
    smooth = ndimage.gaussian_filter(levels, 1.0)
    paper = ndimage.grey_closing(smooth, size=round(_PAPER_WINDOW * LONGEST_SIDE), mode="nearest")
    return np.asarray(1 - smooth / np.maximum(paper, 0.1), np.float32)


def _strong(ink: Levels) -> Mask:
    """Return where the ink is at least half as strong as the strongest marks, and stands out from the grain."""
    grain = 1.4826 * np.median(np.abs(ink - np.median(ink)))
    least = max(_LEAST_INK, float(np.median(ink) + _NOISE_FACTOR * grain))
    marks = ink[ink > least]
    return ink > (max(least, 0.5 * float(np.percentile(marks, 90))) if marks.size else 1)


def _without_lines(mask: Mask) -> Mask:
    """Return the mask without ruled lines, horizontal or vertical, up to 10 degrees askew."""
    upright = _without_horizontal_lines(mask)
    return _without_horizontal_lines(upright.T).T


def _without_horizontal_lines(mask: Mask) -> Mask:
    """Return the mask without the short vertical runs that make up lines; where strokes cross, runs are long."""
    height, width = mask.shape
    runs, count = ndimage.label(mask, structure=[[0, 1, 0], [0, 1, 0], [0, 1, 0]])
    lengths = np.bincount(runs.ravel(), minlength=count + 1)
    rows, columns = np.nonzero(ndimage.binary_dilation(mask, structure=[[1], [1], [1]]))
    every_column = np.arange(width)
    line_runs: list[npt.NDArray[np.int32]] = []
    for slope in _LINE_SLOPES:
        rises = np.round(slope * (every_column - width / 2)).astype(np.int64)
        # A line has one row in each column, so this counts the columns with ink on the line that starts at each row.
        spans = np.bincount(rows - rises[columns] + width)
        for start in np.flatnonzero(spans >= _LINE_SPAN * width) - width:
            line = (start + rises).clip(0, height - 1)
            on_line = np.unique([runs[(line + shift).clip(0, height - 1), every_column] for shift in (-1, 0, 1)])
            on_line = on_line[on_line > 0]
            usual = float(np.median(lengths[on_line]))
            if usual <= _LINE_THICKNESS * LONGEST_SIDE:
                line_runs.append(on_line[lengths[on_line] <= 1.5 * usual + 1])
    return mask & ~np.isin(runs, np.concatenate(line_runs)) if line_runs else mask


def _largest_group(mask: Mask) -> Mask | None:
    """Return the strokes with the most ink of all that lie near each other, or None if none can be a digit."""
    if not mask.any():
        return None
    groups, count = ndimage.label(_away_from(mask) <= _GAP * LONGEST_SIDE / 2)
    groups[~mask] = 0
    boxes = ndimage.find_objects(groups, count)
    lengths = np.array([0] + [max(side.stop - side.start for side in box) for box in boxes])
    masses = np.bincount(groups.ravel(), minlength=count + 1)
    sides = [np.unique(side) for side in (groups[0], groups[-1], groups[:, 0], groups[:, -1])]
    cut_off = np.bincount(np.concatenate(sides), minlength=count + 1)
    suitable = (lengths >= _SMALLEST_DIGIT * LONGEST_SIDE) & (masses <= _MOST_INK * mask.size)
    scores = suitable * masses * np.array(_EDGE_PENALTIES)[np.minimum(cut_off, 2)]
    chosen = int(np.argmax(scores))
    if not scores[chosen]:
        return None
    # A digit may have strokes apart from each other, such as the hat of a 5, in proportion to its own size.
    near = np.unique(groups[_away_from(groups == chosen) <= _STROKE_GAP * lengths[chosen]])
    shares = masses[near] / masses[chosen]
    parts = (near > 0) & (cut_off[near] == 0) & (shares >= _SMALLEST_STROKE) & (shares <= _LARGEST_STROKE)
    return np.isin(groups, [chosen, *near[parts]])


def _away_from(mask: Mask) -> npt.NDArray[np.float64]:
    """Return the distance of each pixel from the nearest one of the mask."""
    return np.asarray(ndimage.distance_transform_edt(~mask))


def _thickened(ink: Levels, digit: Mask) -> Levels:
    """Return the ink of the digit alone, with strokes that are wide enough to survive the scaling to 20 pixels."""
    outside = _away_from(digit)
    edge = digit & ~ndimage.binary_erosion(digit)
    stroke = 2 * digit.sum() / max(1, edge.sum())
    box = ndimage.find_objects(digit.astype(np.int8))[0]
    wanted = _THINNEST_STROKE * max(side.stop - side.start for side in box)
    # The soft rim of the strokes is just outside the mask.
    alone = np.where(outside <= 2, ink, np.float32(0))
    if stroke >= wanted:
        return alone
    grown = (wanted - stroke) / 2
    grown_ink: Levels = np.maximum(alone, (grown + 1 - outside).clip(0, 1).astype(np.float32))
    return grown_ink
