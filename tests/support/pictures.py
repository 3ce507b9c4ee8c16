"""Made-up pictures of digits: encoded drawings, and photos of paper with lines, shadows and grain."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


def encode(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, format, **options)
    return content.getvalue()


def drawing(digit: np.ndarray, factor: int = 12) -> Image.Image:
    """Return a digit of MNIST (28, 28) in black on white, enlarged."""
    side = digit.shape[0] * factor
    return Image.fromarray(255 - digit).resize((side, side), Image.Resampling.NEAREST)


def photo(digit: np.ndarray, *, paper: str = "lined", chalk: bool = False, seed: int = 0) -> bytes:
    """Return a JPEG of a digit on `plain`, `lined` or `squared` paper, or in chalk on a board, with the light uneven.

    The paper is askew by up to four degrees, a shadow lies on a part of it, and the camera is neither sharp nor quiet.
    """
    random = np.random.default_rng(seed)
    width, height, side = 1000, 1300, 420
    lines = Image.new("L", (width, height))
    pen, slope = ImageDraw.Draw(lines), np.tan(np.radians(random.uniform(-4, 4)))
    if paper in ("lined", "squared"):
        for y in range(-50, height + 50, 55):
            pen.line([(0, y), (width, y + slope * width)], fill=115, width=3)
    if paper == "squared":
        for x in range(-100, width + 100, 55):
            pen.line([(x, 0), (x - slope * height, height)], fill=115, width=3)
    written = np.zeros((height, width))
    top, left = random.integers(200, 600), random.integers(100, 450)
    large = Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC).rotate(random.uniform(-5, 5))
    written[top : top + side, left : left + side] = np.asarray(large) / 255
    ink = np.maximum(np.asarray(lines) / 255, 0.75 * written)
    down, right = np.mgrid[0:height, 0:width]
    light = 0.85 - 0.45 * (right / width * random.random() + down / height * random.random())
    light = np.where(right + 0.3 * down > 900 + random.uniform(-200, 200), 0.65 * light, light)
    scene = 1 - light * (1 - ink) if chalk else light * (1 - ink)
    blurred = Image.fromarray((255 * scene).astype(np.uint8)).filter(ImageFilter.GaussianBlur(2))
    noisy = np.asarray(blurred) + random.normal(0, 5, scene.shape)
    return encode(Image.fromarray(noisy.clip(0, 255).astype(np.uint8)), "JPEG", quality=85)
