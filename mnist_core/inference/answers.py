"""The questions that the inference process answers.

A question names what it asks for (`ask`) and a `run`; most name a `step`, whose nearest kept weights answer, and an
image: its `split` and number, or 784 bytes in the body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mnist_core.data.run_images import RunImages
from mnist_core.data.splits import Bytes
from mnist_core.errors import InferenceError
from mnist_core.inference.embeddings import Embeddings
from mnist_core.inference.forward import compute_probabilities
from mnist_core.inference.layers import Layers
from mnist_core.inference.occlusion import occlude
from mnist_core.inference.tsne import TsneMaps
from mnist_core.inference.weights import Weights
from mnist_core.records import Run
from mnist_core.store.queries import Queries

DIGITS = 6
"""Decimal places of probabilities in answers."""

MAX_NEAREST = 20
"""Maximum number of images in an answer, for each digit."""

Question = Mapping[str, Any]
Answer = dict[str, Any]


class Answers:
    """Answers questions from the runs in a store. Each answer is a JSON value."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._images = RunImages()
        self._weights = Weights(queries)
        self._embeddings = Embeddings(self._images, self._weights)
        self._tsne_maps = TsneMaps(self._embeddings)
        self._layers = Layers(self._images)
        self._answers: dict[str, Callable[[Run, Question, bytes], Answer]] = {
            "read": self._read,
            "read_all": self._read_all,
            "story": self._tell_story,
            "occlusion": self._occlude,
            "nearest": self._find_nearest,
            "filters": self._show_filters,
            "activations": self._show_activations,
            "dead_units": self._count_dead_units,
            "map": self._draw_map,
            "tsne": self._draw_tsne_map,
        }

    def answer(self, question: Question, body: bytes) -> Answer:
        """Return the answer. Raises `MnistError` with a sentence for the person who asked."""
        run = self._queries.get_run(question["run"])
        if run.damage:
            raise InferenceError(f"{run.name} is damaged. {run.damage}")
        answer = self._answers.get(question["ask"])
        if answer is None:
            raise InferenceError(f"There is no question {question['ask']!r}.")
        return answer(run, question, body)

    def _read(self, run: Run, _question: Question, body: bytes) -> Answer:
        network = self._weights.load_newest(run)
        probabilities = compute_probabilities(network, _drawn(body))
        return {"run": run.id, "step": network.step, "probabilities": _rounded(probabilities)[0]}

    def _read_all(self, run: Run, _question: Question, body: bytes) -> Answer:
        """Read several drawings, 784 bytes each."""
        network = self._weights.load_newest(run)
        images = np.frombuffer(body, np.uint8).reshape(-1, 28, 28).copy()
        return {"run": run.id, "step": network.step, "probabilities": _rounded(compute_probabilities(network, images))}

    def _tell_story(self, run: Run, question: Question, body: bytes) -> Answer:
        image = self._image(run, question, body)
        networks, problems = self._weights.load_story(run)
        read = [_rounded(compute_probabilities(network, image[np.newaxis]))[0] for network in networks]
        return {"steps": [network.step for network in networks], "probabilities": read, "notice": problems}

    def _occlude(self, run: Run, question: Question, body: bytes) -> Answer:
        image = self._image(run, question, body)
        network = self._weights.load_nearest(run, question["step"])
        return {"step": network.step, **occlude(network, image)}

    def _find_nearest(self, run: Run, question: Question, _body: bytes) -> Answer:
        network = self._weights.load_nearest(run, question["step"])
        count = min(question["count"], MAX_NEAREST)
        return self._embeddings.find_nearest(network, question["split"], question["image"], count)

    def _show_filters(self, run: Run, question: Question, _body: bytes) -> Answer:
        return self._layers.filters(self._weights.load_nearest(run, question["step"]))

    def _show_activations(self, run: Run, question: Question, body: bytes) -> Answer:
        image = self._image(run, question, body)
        network = self._weights.load_nearest(run, question["step"])
        return self._layers.activations(network, image)

    def _count_dead_units(self, run: Run, question: Question, _body: bytes) -> Answer:
        return self._layers.dead_units(self._weights.load_nearest(run, question["step"]), question["split"])

    def _draw_map(self, run: Run, question: Question, _body: bytes) -> Answer:
        return self._embeddings.draw_map(self._weights.load_nearest(run, question["step"]), question["split"])

    def _draw_tsne_map(self, run: Run, question: Question, _body: bytes) -> Answer:
        return self._tsne_maps.draw_map(self._weights.load_nearest(run, question["step"]), question["split"])

    def _image(self, run: Run, question: Question, body: bytes) -> Bytes:
        """Return the image of a question, uint8 (28, 28)."""
        if body:
            drawn: Bytes = _drawn(body)[0]
            return drawn
        return load_image(self._images, run, question["split"], question["image"])


def load_image(images: RunImages, run: Run, split: str, number: int) -> Bytes:
    """Return an image of a run's split, uint8 (28, 28). Raises `DatasetError`, or `InferenceError` if there is none."""
    source = images.split_of(run, split)
    if number >= len(source):
        raise InferenceError(f"There is no image {number:,}: the images have the numbers 0 to {len(source) - 1:,}.")
    image: Bytes = source.images([number])[0]
    return image


def _drawn(body: bytes) -> Bytes:
    return np.frombuffer(body, np.uint8).reshape(1, 28, 28).copy()


def _rounded(probabilities: np.ndarray) -> list[list[float]]:
    return [[round(float(share), DIGITS) for share in row] for row in probabilities]
