"""Batches: the images of a split on the training device, and the order in which an epoch visits them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mnist_core.data.splits import Split
from mnist_core.training.augmentation import augment

PIXEL_MEAN, PIXEL_STD = 0.1307, 0.3081
"""Mean and standard deviation of the 60,000 MNIST training images scaled to 0–1, as in the classic PyTorch script."""

_SEED_STRIDE = 1_000_003
"""Small seeds seed PyTorch's generator with seed * stride + position, as in all older runs, which stay repeatable.

On the CPU the generator uses only the lower 32 bits of that number. Larger seeds would therefore repeat its numbers.
"""

FIRST_REPEATING_SEED = 10_174_747
"""Smallest seed that would repeat orders of a smaller one: times the stride it is 17 modulo 2^32, or 17 epochs."""

FIRST_REPEATING_STEP_SEED = 4294
"""Smallest seed that would repeat augmentation and dropout of a smaller one, within as many steps as the stride."""


@dataclass(frozen=True)
class Images:
    """A split on the training device: pixels uint8 (N, 28, 28), labels int64 (N,).

    Pixels stay bytes and are normalised per batch. That takes 30 microseconds of a step; normalising all of MNIST
    (188 MB) would delay the first step by up to 0.3 s.
    """

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, batch: Tensor | slice) -> tuple[Tensor, Tensor]:
        """Return normalised pixels (B, 1, 28, 28), of the default dtype, and labels (B,) of a batch."""
        return normalize(self.pixels[batch]), self.labels[batch]

    def augmented(self, batch: Tensor, kind: str, max_shift: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return a batch as `images[batch]` does, with each image changed by `augmentation.augment`."""
        return normalize(augment(self.pixels[batch], kind, max_shift, generator)), self.labels[batch]

    def select(self, indices: Tensor) -> Images:
        """Return the images at these indices."""
        return Images(self.pixels[indices], self.labels[indices])

    @classmethod
    def on_device(cls, split: Split, device: torch.device) -> Images:
        """Copy a split to `device`."""
        return cls(torch.as_tensor(split.images, device=device), torch.as_tensor(split.labels, device=device).long())


def normalize(pixels: Tensor) -> Tensor:
    """Return uint8 pixels (B, 28, 28) as the networks take them: (B, 1, 28, 28), of the default dtype."""
    return pixels.to(torch.get_default_dtype()).div_(255).sub_(PIXEL_MEAN).div_(PIXEL_STD).unsqueeze(1)


def sample_order(seed: int, epoch: int, images: int) -> Tensor:
    """Return the order in which an epoch visits the images, int64 (images,). It depends on (seed, epoch) alone."""
    if seed < FIRST_REPEATING_SEED:
        return torch.randperm(images, generator=torch.Generator().manual_seed(seed * _SEED_STRIDE + epoch))
    # NumPy guarantees the streams of these classes for ever. `SeedSequence` maps two 32-bit numbers to 128 bits
    # one to one, so every pair has its own generator.
    random = np.random.RandomState(np.random.MT19937(np.random.SeedSequence((seed, epoch))))
    return torch.from_numpy(random.permutation(images))


def step_seed(seed: int, step: int) -> int:
    """Return the seed of the random numbers within one step of a run, augmentation and dropout: 64 bits.

    PyTorch's generator on the CPU uses only the lower 32 bits. So from `FIRST_REPEATING_STEP_SEED` on, two steps of
    different runs can have the same numbers by chance, but no two runs have the same numbers throughout.
    """
    if seed < FIRST_REPEATING_STEP_SEED and step < _SEED_STRIDE:
        return seed * _SEED_STRIDE + step
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0])
