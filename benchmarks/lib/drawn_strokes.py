"""Digits as three hands write them: strokes with jitter, drawn like the pad of the page draws them.

A hand has a list of strokes for each digit, each a list of points from (0, 0), the top left of the digit, to (1, 1).
Curves go through the middles between points, as on the pad; a point given twice makes a corner.
"""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Point = tuple[float, float]
Stroke = list[Point]
Hand = list[list[Stroke]]

PAD = (340, 286)
PEN = 22
BOX = (130, 210)
"""Pixels of the pad, of its pen, and of an average digit."""

_FINE = 4
"""The pad is drawn so many times larger, and then reduced: browsers smooth the edges of strokes."""

PRINT: Hand = [
    [[(0.5, 0), (0.15, 0.15), (0, 0.5), (0.15, 0.85), (0.5, 1), (0.85, 0.85), (1, 0.5), (0.85, 0.15), (0.5, 0)]],
    [[(0.5, 0), (0.5, 1)]],
    [[(0.05, 0.25), (0.2, 0.05), (0.55, 0), (0.9, 0.15), (0.9, 0.4), (0.5, 0.7), (0.05, 1), (0.05, 1), (0.95, 1)]],
    [
        [
            (0.05, 0.1),
            (0.4, 0),
            (0.85, 0.1),
            (0.85, 0.35),
            (0.4, 0.48),
            (0.4, 0.48),
            (0.9, 0.6),
            (0.95, 0.85),
            (0.5, 1),
            (0.05, 0.9),
        ]
    ],
    [[(0.55, 0), (0.05, 0.65), (0.05, 0.65), (1, 0.65)], [(0.75, 0.3), (0.75, 1)]],
    [
        [(0.15, 0), (0.1, 0.45), (0.1, 0.45), (0.5, 0.38), (0.9, 0.55), (0.9, 0.8), (0.5, 1), (0.05, 0.92)],
        [(0.15, 0), (0.9, 0)],
    ],
    [
        [
            (0.75, 0),
            (0.3, 0.25),
            (0.05, 0.65),
            (0.2, 0.95),
            (0.55, 1),
            (0.9, 0.85),
            (0.85, 0.6),
            (0.5, 0.52),
            (0.12, 0.7),
        ]
    ],
    [[(0, 0), (1, 0), (1, 0), (0.65, 0.5), (0.4, 1)]],
    [
        [
            (0.8, 0.15),
            (0.5, 0),
            (0.15, 0.12),
            (0.2, 0.38),
            (0.55, 0.5),
            (0.9, 0.68),
            (0.85, 0.92),
            (0.5, 1),
            (0.12, 0.9),
            (0.1, 0.7),
            (0.45, 0.5),
            (0.8, 0.35),
            (0.82, 0.15),
        ]
    ],
    [
        [
            (0.85, 0.2),
            (0.5, 0),
            (0.12, 0.15),
            (0.15, 0.45),
            (0.5, 0.52),
            (0.85, 0.35),
            (0.87, 0.15),
            (0.87, 0.15),
            (0.85, 0.6),
            (0.7, 1),
        ]
    ],
]

CONTINENTAL: Hand = [
    [[(0.7, 0.05), (0.3, 0.1), (0.1, 0.5), (0.3, 0.95), (0.65, 0.95), (0.9, 0.5), (0.8, 0.1), (0.5, 0)]],
    [[(0.2, 0.25), (0.6, 0), (0.6, 0), (0.6, 1)]],
    [[(0.1, 0.2), (0.45, 0), (0.85, 0.2), (0.6, 0.6), (0.1, 0.95), (0.1, 0.95), (0.3, 0.88), (0.95, 1)]],
    [[(0.1, 0), (0.85, 0), (0.85, 0), (0.45, 0.4), (0.45, 0.4), (0.9, 0.55), (0.9, 0.85), (0.45, 1), (0.05, 0.88)]],
    [[(0.1, 0), (0.05, 0.55), (0.05, 0.55), (0.95, 0.55)], [(0.8, 0.05), (0.75, 1)]],
    [
        [
            (0.9, 0),
            (0.2, 0.02),
            (0.2, 0.02),
            (0.12, 0.42),
            (0.5, 0.35),
            (0.9, 0.55),
            (0.85, 0.88),
            (0.45, 1),
            (0.05, 0.9),
        ]
    ],
    [[(0.6, 0), (0.15, 0.45), (0.1, 0.8), (0.45, 1), (0.85, 0.85), (0.75, 0.6), (0.4, 0.58), (0.12, 0.78)]],
    [[(0.05, 0.05), (0.95, 0), (0.95, 0), (0.5, 0.5), (0.35, 1)], [(0.3, 0.5), (0.85, 0.48)]],
    [
        [(0.5, 0.48), (0.15, 0.3), (0.25, 0.05), (0.5, 0), (0.78, 0.05), (0.85, 0.28), (0.5, 0.48)],
        [(0.5, 0.48), (0.1, 0.65), (0.15, 0.92), (0.5, 1), (0.88, 0.9), (0.92, 0.65), (0.5, 0.48)],
    ],
    [
        [
            (0.8, 0.1),
            (0.4, 0),
            (0.1, 0.25),
            (0.35, 0.5),
            (0.8, 0.3),
            (0.8, 0.1),
            (0.8, 0.1),
            (0.8, 0.75),
            (0.5, 1),
            (0.15, 0.9),
        ]
    ],
]

SLANTED: Hand = [
    [[(0.6, 0.02), (0.2, 0.2), (0.05, 0.6), (0.25, 0.97), (0.6, 0.9), (0.9, 0.5), (0.85, 0.1), (0.6, 0.02)]],
    [[(0.55, 0), (0.45, 1)]],
    [
        [
            (0.1, 0.3),
            (0.35, 0.02),
            (0.8, 0.1),
            (0.8, 0.4),
            (0.35, 0.8),
            (0.05, 0.98),
            (0.05, 0.98),
            (0.4, 0.92),
            (0.7, 1),
            (1, 0.93),
        ]
    ],
    [
        [
            (0.1, 0.15),
            (0.5, 0),
            (0.9, 0.18),
            (0.6, 0.42),
            (0.35, 0.48),
            (0.35, 0.48),
            (0.8, 0.55),
            (0.95, 0.8),
            (0.6, 1),
            (0.1, 0.92),
        ]
    ],
    [[(0.45, 0), (0, 0.6), (0, 0.6), (0.5, 0.62), (0.95, 0.55)], [(0.7, 0.35), (0.55, 1)]],
    [[(0.3, 0), (0.2, 0.4), (0.2, 0.4), (0.6, 0.42), (0.8, 0.65), (0.6, 0.95), (0.1, 1)], [(0.3, 0), (0.95, 0.03)]],
    [
        [
            (0.85, 0.02),
            (0.4, 0.2),
            (0.1, 0.6),
            (0.15, 0.92),
            (0.5, 1),
            (0.8, 0.8),
            (0.7, 0.58),
            (0.35, 0.6),
            (0.12, 0.82),
        ]
    ],
    [[(0.1, 0.12), (0.15, 0.02), (0.95, 0.05), (0.95, 0.05), (0.6, 0.45), (0.35, 1)]],
    [
        [
            (0.85, 0.1),
            (0.45, 0),
            (0.2, 0.2),
            (0.5, 0.45),
            (0.8, 0.7),
            (0.55, 0.98),
            (0.15, 0.9),
            (0.2, 0.65),
            (0.6, 0.42),
            (0.85, 0.1),
        ]
    ],
    [
        [
            (0.8, 0.25),
            (0.5, 0.02),
            (0.15, 0.2),
            (0.25, 0.48),
            (0.6, 0.45),
            (0.82, 0.2),
            (0.82, 0.2),
            (0.7, 0.65),
            (0.45, 1),
        ]
    ],
]

HANDS = {"print": (PRINT, 0.0), "continental": (CONTINENTAL, 0.05), "slanted": (SLANTED, 0.25)}
"""The strokes of each hand, and how far its digits lean to the right, as a share of their height."""


def draw_digit(hand: str, digit: int, seed: int) -> bytes:
    """Return a PNG of the pad with a digit on it, not quite where, as large, as upright or as even as the last one."""
    random = np.random.default_rng([seed, digit, sorted(HANDS).index(hand)])
    strokes, slant = HANDS[hand]
    size = np.array(BOX) * random.uniform(0.75, 1.1)
    angle, lean = np.radians(random.uniform(-6, 6)), slant + random.uniform(-0.08, 0.08)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = np.array(PAD) / 2 + random.uniform(-20, 20, 2)
    image = Image.new("LA", (PAD[0] * _FINE, PAD[1] * _FINE))
    pen = ImageDraw.Draw(image)
    for stroke in strokes[digit]:
        points = (np.array(stroke) - 0.5 + random.normal(0, 0.015, (len(stroke), 2))) * size
        points[:, 0] -= lean * points[:, 1]
        _draw_stroke(pen, (points @ turn + middle) * _FINE)
    content = io.BytesIO()
    image.resize(PAD, Image.Resampling.BOX).save(content, "PNG")
    return content.getvalue()


def _draw_stroke(pen: ImageDraw.ImageDraw, points: npt.NDArray[np.float64]) -> None:
    """Draw a line through the middles between the points, rounded by quadratic curves, with a round pen."""
    path, last = [points[0]], points[0]
    for before, point in pairwise(points):
        end = (before + point) / 2
        share = np.linspace(0, 1, 24)[1:, None]
        path.extend((1 - share) ** 2 * last + 2 * share * (1 - share) * before + share**2 * end)
        last = end
    path.extend(last + (points[-1] - last) * np.linspace(0, 1, 24)[1:, None])
    radius = PEN * _FINE / 2
    for start, end in pairwise(path):
        for x, y in np.linspace(start, end, 1 + int(np.hypot(*(end - start)) // _FINE)):
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(0, 255))
