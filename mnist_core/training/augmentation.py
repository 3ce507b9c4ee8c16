"""Random changes of the training images: shifts by whole pixels, and affine transforms.

All random numbers come from the generator of the step. They are drawn and used on the device of the images, without
waiting for it, so a CUDA graph can record them.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

MAX_ROTATION = math.radians(15)
"""Largest rotation either way. This and the scaling are those of Cireşan et al. 2010, "Deep, Big, Simple Neural Nets
for Handwritten Digit Recognition"."""

MAX_SCALING = 0.15
"""Largest change of width and, independently, of height, as a share."""

MAX_SHEAR = 0.15
"""Largest slant either way, as the pixels that a row moves sideways per row: 8.5 degrees. With the rotation, strokes
lean by up to 23 degrees, about as far as the slants that people write with."""


def augment(pixels: Tensor, kind: str, max_shift: int, generator: torch.Generator) -> Tensor:
    """Change each image of `pixels`, uint8 (B, 28, 28), by one of `config.AUGMENTATIONS`.

    Returns levels from 0 to 255, (B, 28, 28), of the same or of the default dtype.
    """
    match kind:
        case "none":
            return pixels
        case "shift":
            return _shift(pixels, max_shift, generator)
        case "affine":
            return _transform(pixels, max_shift, generator)
    raise AssertionError(f"no augmentation is called {kind}")


def _shift(pixels: Tensor, max_shift: int, generator: torch.Generator) -> Tensor:
    """Move each image by up to `max_shift` whole pixels along each axis. Black pixels, 0, move in at the edges."""
    images, height, width = pixels.shape
    padded = F.pad(pixels, [max_shift] * 4)
    crops = padded.unfold(1, height, 1).unfold(2, width, 1)  # a view: (B, places, places, 28, 28)
    down, right = torch.randint(2 * max_shift + 1, (2, images), generator=generator, device=pixels.device)
    return crops[torch.arange(images, device=pixels.device), down, right]


def _transform(pixels: Tensor, max_shift: int, generator: torch.Generator) -> Tensor:
    """Scale, slant, rotate and move each image, around its centre; between pixels, interpolate linearly."""
    images, height, _width = pixels.shape
    levels = pixels.to(torch.get_default_dtype()).unsqueeze(1)
    draws = torch.rand(6, images, generator=generator, device=pixels.device, dtype=levels.dtype).mul_(2).sub_(1)
    matrices = _inverse_transforms(draws, max_move=2 * max_shift / height)
    places = F.affine_grid(matrices, list(levels.shape), align_corners=False)
    return F.grid_sample(levels, places, mode="bilinear", padding_mode="zeros", align_corners=False).squeeze(1)


def _inverse_transforms(draws: Tensor, max_move: float) -> Tensor:
    """Return the matrices (B, 2, 3) that map a place in the result to the place in the image that it comes from.

    `draws` (6, B) holds shares of the largest amounts, from -1 to 1: of rotation, change of width and of height, shear,
    and moves right and down by at most `max_move`. Coordinates go from -1 to 1. The inverse of "scale, shear, rotate,
    move" is the inverses of these in reverse order.
    """
    rotation, wider, higher, shear, *move = draws
    sine, cosine = torch.sin(rotation * MAX_ROTATION), torch.cos(rotation * MAX_ROTATION)
    width, height, slant = 1 + wider * MAX_SCALING, 1 + higher * MAX_SCALING, shear * MAX_SHEAR
    to_x = torch.stack([(cosine + slant * sine) / width, (sine - slant * cosine) / width], dim=1)
    to_y = torch.stack([-sine / height, cosine / height], dim=1)
    linear = torch.stack([to_x, to_y], dim=1)
    moved = (linear * (torch.stack(move, dim=1) * max_move).unsqueeze(1)).sum(2, keepdim=True)
    return torch.cat([linear, -moved], dim=2)
