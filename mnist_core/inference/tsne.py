"""t-SNE: a map that keeps images near each other which the network finds alike.

Half a minute of work for 10,000 images, so it is done in pieces of half a second: each question about a map does a few,
and others are answered in between. A process that is killed loses what it has done.

openTSNE is imported with the first map: it takes a second, and few people ask for one.
"""

from __future__ import annotations

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
"""After this time no further piece of work begins. A piece takes up to 0.6 s of processor time for 10,000 images."""

MAX_UNFINISHED, MAX_UNFINISHED_BYTES = 4, 200_000_000
"""How many maps are worked at in turn. One of 10,000 images takes 20 MB until it is finished."""

ABANDONED_SECONDS = 10.0
"""A map that nobody has asked for in this time makes room for another."""

MAX_FINISHED, MAX_FINISHED_BYTES = 200, 32_000_000
"""How many finished maps are kept. One of 10,000 images takes 80 kB."""

PERPLEXITY = 30
"""How many neighbours count for each image, about; the default of openTSNE and scikit-learn."""

FEATURES = 50
"""Principal components between which distances are taken: van der Maaten and Hinton 2008, section 4.2
(https://www.jmlr.org/papers/v9/vandermaaten08a.html)."""

MIN_IMAGES = 8
"""Fewer images have no neighbourhoods to speak of: their map stays as it begins."""

START_SPREAD = 1e-4
"""Standard deviation of the first axis at the start. Kobak and Berens 2019 (https://doi.org/10.1038/s41467-019-13056-x)."""

JITTER = 0.01
"""Images that are the same to the network are moved apart by this share of the spread, else they would stay together."""

FROM_COMPONENTS = ((12.0, 250), (1.0, 500))
"""Exaggeration and iterations, as openTSNE does it. Exaggeration first lets like images find together."""

FROM_NEIGHBOUR = ((4.0, 100), (1.0, 250))
"""The same for a map that begins as that of another step, where most images are in place already."""

INTERVAL = 2
ITERATIONS_PER_PIECE = 25
IMAGES_PER_PIECE = 1000
SEED = 1

Points = npt.NDArray[np.float64]


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
        """Work at a map for about a second, and return it as it is then.

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
        until = time.monotonic() + SECONDS_PER_QUESTION
        work = self._unfinished.get(key)
        if work is None:
            layouts = self._begin(network, split)
            work = _Unfinished(layouts, next(layouts))
            if self._is_crowded():
                return work.latest
            self._unfinished.put(key, work, 2 * work.latest.points.nbytes * PERPLEXITY * 3)
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


def lay_out(features: Floats, start: Floats, schedule: tuple[tuple[float, int], ...]) -> Iterator[Layout]:
    """Yield the map of features (N, D) that begins as `start` (N, 2), after each piece of work; the last has progress 1.

    `schedule` is the exaggeration and the number of iterations of each phase. Equal for equal arguments.
    """
    if len(features) < MIN_IMAGES:
        yield Layout(1.0, start)
        return
    yield Layout(0.0, start)
    iterations = sum(count for _exaggeration, count in schedule)
    blocks = -(-len(features) // IMAGES_PER_PIECE)
    pieces = blocks + 2 + iterations // ITERATIONS_PER_PIECE
    done = 0
    neighbours: list[tuple[npt.NDArray[np.int64], Points]] = []
    for block in find_neighbours(features):
        neighbours.append(block)
        done += 1
        yield Layout(done / pieces, start)
    from openTSNE import TSNEEmbedding

    yield Layout((done := done + 1) / pieces, start)
    embedding = TSNEEmbedding(
        _scaled(start, is_settled=schedule is FROM_NEIGHBOUR),
        _affinities(neighbours),
        negative_gradient_method="fft",
        ints_in_interval=INTERVAL,
        random_state=SEED,
        n_jobs=1,
    )
    yield Layout((done := done + 1) / pieces, start)
    for exaggeration, count in schedule:
        for _piece in range(count // ITERATIONS_PER_PIECE):
            embedding.optimize(ITERATIONS_PER_PIECE, inplace=True, exaggeration=exaggeration, momentum=0.8)
            done += 1
            yield Layout(done / pieces, np.asarray(embedding, np.float32))


def find_neighbours(features: Floats) -> Iterator[tuple[npt.NDArray[np.int64], Points]]:
    """Yield the nearest images of a block of images after the other, (B, K), and their distances, in `FEATURES`."""
    values = _reduced(features)
    squares = values.square().sum(1)
    count = min(len(values) - 1, 3 * PERPLEXITY)
    for first in range(0, len(values), IMAGES_PER_PIECE):
        block = slice(first, first + IMAGES_PER_PIECE)
        distances = squares[block, None] + squares - 2 * values[block] @ values.T
        rows = torch.arange(len(distances))
        distances[rows, first + rows] = torch.inf  # no image is its own neighbour
        nearest, images = distances.topk(count, largest=False)
        yield images.numpy(), nearest.clamp_min(0).sqrt().numpy()


def _reduced(features: Floats) -> torch.Tensor:
    """Return at most `FEATURES` principal components of features (N, D), float64."""
    values = torch.from_numpy(features).double()
    values = values - values.mean(0)
    if values.shape[1] <= FEATURES:
        return values
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return values @ torch.pca_lowrank(values, FEATURES, center=False)[2]


def _affinities(neighbours: list[tuple[npt.NDArray[np.int64], Points]]) -> Any:
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    images, distances = (np.concatenate(blocks) for blocks in zip(*neighbours, strict=True))
    perplexity = min(PERPLEXITY, images.shape[1] / 3)
    index = PrecomputedNeighbors(images, distances)
    return PerplexityBasedNN(knn_index=index, perplexity=perplexity, n_jobs=1)


def _scaled(start: Floats, *, is_settled: bool) -> Points:
    """Return the points at which the optimisation begins. A settled map keeps its size."""
    points = start.astype(np.float64)
    points -= points.mean(0)
    spread = float(points[:, 0].std())
    if not is_settled:
        points *= START_SPREAD / spread if spread else 0
        spread = START_SPREAD
    return points + np.random.default_rng(SEED).normal(0, JITTER * spread, points.shape)
