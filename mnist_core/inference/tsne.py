"""t-SNE: a map that keeps images near each other which the network finds alike.

It takes 19 s of processor time for 10,000 images, so it is done in pieces: each question about a map does about a
second of it, and others are answered in between. A process that is killed loses what it has done.

openTSNE is imported with the first map: it takes a second and, with scikit-learn, 110 MB, and few people ask for one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from mnist_core.inference.embeddings import Embeddings, Floats, encode_points, split_key
from mnist_core.inference.weights import Network, RecentlyUsed

SECONDS_PER_QUESTION = 0.7
"""After this time no further piece of work begins. A piece takes up to 0.8 s of processor time for 10,000 images."""

PERPLEXITY = 30
"""How many neighbours count for each image, about; the default of openTSNE and scikit-learn."""

MAX_UNFINISHED, MAX_UNFINISHED_BYTES = 8, 200_000_000
"""How many maps are worked at in turn. One of 10,000 images takes 20 MB until it is finished."""

BYTES_PER_IMAGE = 24 * 3 * PERPLEXITY
"""Of an unfinished map: three times as many neighbours as count, in both directions, 12 bytes each."""

ABANDONED_SECONDS = 10.0
"""A map that nobody has asked for in this time makes room for another."""

MAX_FINISHED, MAX_FINISHED_BYTES = 200, 32_000_000
"""How many finished maps are kept. One of 10,000 images takes 80 kB."""

FEATURES = 50
"""Principal components between which distances are taken: van der Maaten and Hinton 2008, section 4.2
(https://www.jmlr.org/papers/v9/vandermaaten08a.html)."""

MIN_IMAGES = 8
"""Fewer images have no neighbourhoods to speak of: their map stays as it begins."""

START_SPREAD = 1e-4
"""Standard deviation of the first axis at the start. Kobak and Berens 2019 (https://doi.org/10.1038/s41467-019-13056-x)."""

JITTER = 0.01
"""Images that are the same to the network are moved apart by this share of the spread, or would stay together."""

MIN_FFT_IMAGES = 3000
"""Barnes-Hut trees are faster for fewer images: interpolation by FFT takes 20 ms an iteration for any number."""

FFT_INTERVAL = 2
"""Width of an interval of the interpolation. The default of 1 takes twice the time for 10,000 images, for no gain."""

ITERATIONS_PER_PIECE = 25
IMAGES_PER_PIECE = 1000
SEED = 1

Points = npt.NDArray[np.float64]
Neighbours = tuple[npt.NDArray[np.int64], Points]
"""Numbers of images (B, K), and how far they are."""


@dataclass(frozen=True)
class Schedule:
    """How a map is laid out from where it begins."""

    phases: tuple[tuple[float, int], ...]
    """Exaggeration and number of iterations. Exaggeration first lets like images find together."""
    keeps_size: bool
    """Whether it begins at the size of the map that it begins as; otherwise with `START_SPREAD`."""


FROM_COMPONENTS = Schedule(((12.0, 250), (1.0, 500)), keeps_size=False)
"""As openTSNE does it."""

FROM_NEIGHBOUR = Schedule(((4.0, 100), (1.0, 250)), keeps_size=True)
"""From the finished map of another step, in which most images are in place already. With less exaggeration, clusters
that part later stay entangled; with more, those that have parted move about."""


@dataclass(frozen=True, eq=False)
class Layout:
    """A map on its way."""

    progress: float
    """0 to 1, by processor time; 1 when it is finished."""
    points: Floats
    """(N, 2)"""


@dataclass(eq=False)
class _Unfinished:
    layouts: Iterator[Layout]
    latest: Layout
    asked: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, eq=False)
class _Finished:
    run_id: int
    split: Hashable
    step: int
    layout: Layout


class TsneMaps:
    """Maps of splits by t-SNE, each finished over several questions."""

    def __init__(self, embeddings: Embeddings) -> None:
        self._embeddings = embeddings
        self._unfinished: RecentlyUsed[_Unfinished] = RecentlyUsed(MAX_UNFINISHED, MAX_UNFINISHED_BYTES)
        self._finished: RecentlyUsed[_Finished] = RecentlyUsed(MAX_FINISHED, MAX_FINISHED_BYTES)

    def draw_map(self, network: Network, split: str) -> dict[str, Any]:
        """Return a map as it begins when it is asked for first, else work at it for about a second and return it then.

        `points` are like those of `Embeddings.draw_map`; ask again until `done`. While others work at as many maps as
        there may be, one waits at progress 0. A map begins as the principal components, or as the finished map of the
        nearest step of the run, so that clusters stay about where they are.
        """
        key = (network.key, *split_key(network, split))
        finished = self._finished.get(key)
        layout = finished.layout if finished else self._advance(key, network, split)
        return {
            "step": network.step,
            "images": len(layout.points),
            "done": layout.progress == 1,
            "progress": round(layout.progress, 4),
            "points": encode_points(layout.points),
        }

    def _advance(self, key: Hashable, network: Network, split: str) -> Layout:
        work = self._unfinished.get(key)
        if work is None:
            layouts = self._begin(network, split)
            work = _Unfinished(layouts, next(layouts))
            if not self._is_crowded():
                self._unfinished.put(key, work, len(work.latest.points) * BYTES_PER_IMAGE)
            return work.latest
        until = time.monotonic() + SECONDS_PER_QUESTION
        try:
            while work.latest.progress < 1 and time.monotonic() < until:
                work.latest = next(work.layouts)
        except BaseException:
            self._unfinished.drop(key)  # a generator that raised has ended
            raise
        work.asked = time.monotonic()
        if work.latest.progress == 1:
            self._unfinished.drop(key)
            done = _Finished(network.run.id, split_key(network, split), network.step, work.latest)
            self._finished.put(key, done, work.latest.points.nbytes)
        return work.latest

    def _begin(self, network: Network, split: str) -> Iterator[Layout]:
        features = self._embeddings.embed_split(network, split).features
        alike = (network.run.id, split_key(network, split))
        others = [other for other in self._finished.values() if (other.run_id, other.split) == alike]
        if others:
            nearest = min(others, key=lambda other: (abs(other.step - network.step), other.step))
            return lay_out(features, nearest.layout.points, FROM_NEIGHBOUR)
        return lay_out(features, self._embeddings.principal_map(network, split).points, FROM_COMPONENTS)

    def _is_crowded(self) -> bool:
        since = time.monotonic() - ABANDONED_SECONDS
        return sum(work.asked > since for work in self._unfinished.values()) >= MAX_UNFINISHED


def lay_out(features: Floats, start: Floats, schedule: Schedule) -> Iterator[Layout]:
    """Yield the map of features (N, D) that begins as `start` (N, 2), after each piece of work; the last is finished.

    Equal for equal arguments.
    """
    if len(features) < MIN_IMAGES:
        yield Layout(1.0, start)
        return
    yield Layout(0.0, start)
    work = _do_pieces(find_neighbours(features), start, schedule)
    del features  # they can be large, and only the search for neighbours needs them
    optimisations = sum(iterations // ITERATIONS_PER_PIECE for _exaggeration, iterations in schedule.phases)
    pieces = math.ceil(len(start) / IMAGES_PER_PIECE) + 2 + optimisations
    for done, points in enumerate(work, start=1):
        yield Layout(done / pieces, points)


def _do_pieces(blocks: Iterator[Neighbours], start: Floats, schedule: Schedule) -> Iterator[Floats]:
    """Yield the points of a map (N, 2) after each piece of work."""
    neighbours: list[Neighbours] = []
    for block in blocks:
        neighbours.append(block)
        yield start
    from openTSNE import TSNEEmbedding

    yield start
    embedding = TSNEEmbedding(
        _scaled(start, schedule),
        _affinities(neighbours),
        negative_gradient_method="fft" if len(start) >= MIN_FFT_IMAGES else "bh",
        ints_in_interval=FFT_INTERVAL,
        random_state=SEED,
        n_jobs=1,
    )
    neighbours.clear()
    yield start
    for exaggeration, iterations in schedule.phases:
        for _piece in range(iterations // ITERATIONS_PER_PIECE):
            embedding.optimize(ITERATIONS_PER_PIECE, inplace=True, exaggeration=exaggeration, momentum=0.8)
            yield np.array(embedding, np.float32)


def find_neighbours(features: Floats) -> Iterator[Neighbours]:
    """Yield the nearest images of each block of images, nearest first, and their Euclidean distances.

    Distances are between the first `FEATURES` principal components.
    """
    values = _reduced(features)
    squares = values.square().sum(1)
    count = min(len(values) - 1, 3 * PERPLEXITY)
    for first in range(0, len(values), IMAGES_PER_PIECE):
        block = slice(first, first + IMAGES_PER_PIECE)
        distances = torch.addmm(squares, values[block], values.T, alpha=-2).add_(squares[block, None])
        rows = torch.arange(len(distances))
        distances[rows, first + rows] = torch.inf  # no image is its own neighbour
        nearest, images = distances.topk(count, largest=False)
        del distances  # 80 MB for 10,000 images, which would be kept until the next question
        yield images.numpy(), nearest.clamp_min(0).sqrt().numpy()


def _reduced(features: Floats) -> torch.Tensor:
    """Return at most `FEATURES` principal components of features (N, D), float64."""
    values = torch.from_numpy(features).double()
    values = values - values.mean(0)
    if min(values.shape) <= FEATURES:
        return values
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return values @ torch.pca_lowrank(values, FEATURES, center=False)[2]


def _affinities(neighbours: list[Neighbours]) -> Any:
    """Return openTSNE's affinities. Its class for neighbours would keep them, too, and take twice the memory."""
    from openTSNE.affinity import PrecomputedAffinities, joint_probabilities_nn

    images, distances = (np.concatenate(blocks) for blocks in zip(*neighbours, strict=True))
    perplexity = min(PERPLEXITY, images.shape[1] / 3)
    return PrecomputedAffinities(joint_probabilities_nn(images, distances, [perplexity], n_jobs=1), normalize=False)


def _scaled(start: Floats, schedule: Schedule) -> Points:
    """Return the points at which the optimisation begins."""
    points = start.astype(np.float64)
    points -= points.mean(0)
    spread = float(points[:, 0].std())
    if not schedule.keeps_size:
        points *= START_SPREAD / spread if spread else 0
        spread = START_SPREAD
    return points + np.random.default_rng(SEED).normal(0, JITTER * spread, points.shape)
