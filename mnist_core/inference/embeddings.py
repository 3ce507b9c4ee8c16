"""What the penultimate layer makes of a whole split: the nearest images of an image, and a map of all images."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from mnist_core.data.run_images import RunImages
from mnist_core.errors import InferenceError
from mnist_core.inference.forward import embed
from mnist_core.inference.weights import Network, RecentlyUsed, Weights

MAX_EMBEDDINGS, MAX_EMBEDDING_BYTES = 16, 128_000_000
"""How many splits are kept as the networks see them. The test images of the classic network take 20 MB."""

MAX_MAPS, MAX_MAP_BYTES = 200, 32_000_000

ALIGNED_IMAGES = 400
"""Images by which a map is turned to match the one before it. With 1,000, a first map takes 0.4 s longer."""

EXACT_FEATURES = 2048
"""Up to this many features the map is exact; beyond, it is that of a randomised method, which is faster."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class EmbeddedSplit:
    """A split as a network sees it."""

    features: Floats
    """(N, D)"""
    predicted: npt.NDArray[np.int64]
    """(N,)"""
    labels: npt.NDArray[np.int64]
    """(N,)"""


@dataclass(frozen=True, eq=False)
class PrincipalMap:
    points: Floats
    """(N, 2), with mean 0."""
    shares: tuple[float, float]
    """Share of the variance on each axis before it was turned."""


class Embeddings:
    """Splits as networks see them. Those used last stay in memory."""

    def __init__(self, images: RunImages, weights: Weights) -> None:
        self._images = images
        self._weights = weights
        self._embedded: RecentlyUsed[EmbeddedSplit] = RecentlyUsed(MAX_EMBEDDINGS, MAX_EMBEDDING_BYTES)
        self._maps: RecentlyUsed[PrincipalMap] = RecentlyUsed(MAX_MAPS, MAX_MAP_BYTES)

    def find_nearest(self, network: Network, split: str, number: int, count: int) -> dict[str, Any]:
        """Return the images nearest to one of a split, among those read correctly, by Euclidean distance.

        `label` has those of its true digit, `predicted` those of the digit that it is read as; the image itself is in
        neither. Raises `InferenceError` if there is no such image.
        """
        embedded = self.embed_split(network, split)
        if number >= len(embedded.labels):
            raise InferenceError(
                f"There is no image {number:,}: the images have the numbers 0 to {len(embedded.labels) - 1:,}."
            )
        distances = np.linalg.norm(embedded.features - embedded.features[number], axis=1)
        is_candidate = embedded.predicted == embedded.labels
        is_candidate[number] = False
        digits = {"label": int(embedded.labels[number]), "predicted": int(embedded.predicted[number])}
        return {"step": network.step} | {
            name: _closest(distances, np.flatnonzero(is_candidate & (embedded.labels == digit)), count)
            for name, digit in digits.items()
        }

    def draw_map(self, network: Network, split: str) -> dict[str, Any]:
        """Return the split in two dimensions, which show most of its variance.

        `points` are float32 numbers, little-endian, x and y of each image in turn, as base64. Maps are turned and
        mirrored, never scaled, to match the one before, so that clusters stay in place from snapshot to snapshot.
        """
        drawn = self.principal_map(network, split)
        return {
            "step": network.step,
            "images": len(drawn.points),
            "variance": [round(share, 4) for share in drawn.shares],
            "points": encode_points(drawn.points),
        }

    def principal_map(self, network: Network, split: str) -> PrincipalMap:
        """Return the principal components of a split, turned and mirrored like the map of the snapshot before."""
        key = (network.key, *split_key(network, split))
        drawn = self._maps.get(key)
        if drawn is None:
            embedded = self.embed_split(network, split)
            points, shares = project(embedded.features)
            earlier = [step for step in self._weights.snapshot_steps(network.run) if step < network.step]
            sample = self._sample(len(points))
            if earlier:
                target = self._aligned_samples(network, split, earlier)
                points = points @ find_rotation(points[sample], target)
            drawn = PrincipalMap(points.astype(np.float32), shares)
            self._maps.put(key, drawn, drawn.points.nbytes)
        return drawn

    def _aligned_samples(self, network: Network, split: str, steps: list[int]) -> npt.NDArray[np.float64]:
        """Return where the map of the last of these snapshots has the sampled images; each map is turned like the last.

        Only snapshots count, since other files come and go: a map must not depend on when it was asked for.
        """
        source = self._images.split_of(network.run, split)
        numbers = self._sample(len(source))
        target: npt.NDArray[np.float64] | None = None
        for step in steps:
            earlier = self._weights.load_nearest(network.run, step)
            key = (earlier.key, *split_key(network, split), "sample")
            drawn = self._maps.get(key)
            if drawn is None:
                points, shares = project(embed(earlier, source.images(numbers))[0])
                if target is not None:
                    points = points @ find_rotation(points, target)
                drawn = PrincipalMap(points.astype(np.float32), shares)
                self._maps.put(key, drawn, drawn.points.nbytes)
            target = drawn.points.astype(np.float64)
        assert target is not None
        return target

    def _sample(self, images: int) -> list[int]:
        """Return the numbers of images by which maps are aligned, evenly over the split."""
        return [round(number) for number in np.linspace(0, images - 1, min(images, ALIGNED_IMAGES)).tolist()]

    def embed_split(self, network: Network, split: str) -> EmbeddedSplit:
        """Return a split as a network sees it; computed once. Raises `DatasetError` if its images are not here."""
        key = (network.key, *split_key(network, split))
        embedded = self._embedded.get(key)
        if embedded is None:
            source = self._images.split_of(network.run, split)
            features, probabilities = embed(network, source.images(range(len(source))))
            embedded = EmbeddedSplit(features, probabilities.argmax(1), source.labels.astype(np.int64))
            self._embedded.put(key, embedded, features.nbytes)
        return embedded


def split_key(network: Network, split: str) -> tuple[str, str, float]:
    """Return what tells the images of a network's split from those of others."""
    run = network.run
    checksum = run.provenance.dataset_checksum if run.provenance else ""
    return split, checksum, run.config.validation_fraction


def encode_points(points: Floats) -> str:
    """Return points (N, 2) as base64 of float32 numbers, little-endian, x and y of each image in turn."""
    return base64.b64encode(points.astype("<f4").tobytes()).decode()


def _closest(distances: Floats, candidates: npt.NDArray[np.int64], count: int) -> list[dict[str, Any]]:
    order = np.argsort(distances[candidates], kind="stable")[:count]
    return [{"image": int(number), "distance": round(float(distances[number]), 6)} for number in candidates[order]]


def project(features: Floats) -> tuple[npt.NDArray[np.float64], tuple[float, float]]:
    """Return the first two principal components of features (N, D), float64 (N, 2), and their shares of the variance.

    Equal to scikit-learn's `PCA(2)` up to the sign of each axis. Signs are such that the number furthest from 0 in each
    axis's direction is positive.
    """
    values = torch.from_numpy(features).double()
    centred = values - values.mean(0)
    if centred.shape[1] == 1:
        centred = torch.cat([centred, torch.zeros_like(centred)], 1)
    total = float(centred.square().sum())
    if centred.shape[1] <= EXACT_FEATURES:
        _variances, directions = torch.linalg.eigh(centred.T @ centred)
        directions = directions[:, [-1, -2]]
    else:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            directions = torch.svd_lowrank(centred, q=8, niter=8)[2][:, :2]
    largest = directions.abs().argmax(0)
    directions = directions * directions[largest, [0, 1]].sign()
    points = centred @ directions
    shares = (points.square().sum(0) / total).tolist() if total else [0.0, 0.0]
    return points.numpy(), (shares[0], shares[1])


def find_rotation(points: npt.NDArray[np.floating], target: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return the rotation or reflection R (2, 2) for which `points @ R` is nearest to `target`, both (N, 2).

    The orthogonal Procrustes problem, Schönemann 1966 (https://doi.org/10.1007/BF02289451).
    """
    left, _values, right = np.linalg.svd(points.astype(np.float64).T @ target.astype(np.float64))
    return np.asarray(left @ right)
