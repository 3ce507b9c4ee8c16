"""The routes for evaluations, predicted labels and probabilities, true labels, images, and the history of one image.

Starlette runs these endpoints in threads, since they are not `async`: reading blocks no other request.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mnist_core.data.run_images import RunImages
from mnist_core.errors import DatasetError
from mnist_core.exports.field_readers import SPLITS
from mnist_core.records import Run, encode_json, json_value
from mnist_core.store.queries import Queries
from mnist_core.system.paths import runs_dir
from mnist_dashboard.inspection.requests import (
    check_image_number,
    in_words,
    read_image_numbers,
    read_number,
    read_run,
    read_split,
    respond,
)

BYTES = "application/octet-stream"


class PredictionRoutes:
    """What each route responds."""

    def __init__(self, queries: Queries, images: RunImages) -> None:
        self._queries = queries
        self._images = images

    def routes(self) -> list[Route]:
        return [
            Route("/evaluations.json", in_words(self.evaluations)),
            Route("/predictions.bin", in_words(self.predictions)),
            Route("/labels.bin", in_words(self.labels)),
            Route("/images.png", in_words(self.images)),
            Route("/image_history.json", in_words(self.image_history)),
        ]

    def evaluations(self, request: Request) -> Response:
        """Return the evaluations of a run, by step; `version` goes into the addresses of the other routes as `v`."""
        run = read_run(self._queries, request.query_params)
        kept_steps = self._steps_with_weights(run)
        content = {
            "run": run.id,
            "version": run.uid,
            "revision": run.revision,
            "dataset": run.dataset,
            "splits": {split: self._split_to_json(run, split) for split in SPLITS},
            "evaluations": [
                {
                    "id": evaluation.id,
                    "step": evaluation.step,
                    "epoch": evaluation.epoch,
                    "split": evaluation.split,
                    "loss": json_value(evaluation.loss),
                    "accuracy": evaluation.accuracy,
                    "has_probabilities": evaluation.has_probabilities,
                    "weights_step": evaluation.step if evaluation.step in kept_steps else None,
                }
                for evaluation in self._queries.list_stored_evaluations(run.id)
            ],
        }
        return _respond_json(request, content)

    def _split_to_json(self, run: Run, split: str) -> dict[str, Any]:
        images, problem = _image_count(run, split), ""
        try:
            if images:
                self._images.split_of(run, split)
        except DatasetError as error:
            problem = str(error)
        return {"images": images, "problem": problem}

    def _steps_with_weights(self, run: Run) -> set[int]:
        """Return the steps whose weights are in a file of the run that is on the disk."""
        folder = runs_dir()
        return {file.step for file in self._queries.list_files(run.id) if (folder / file.path).is_file()}

    def predictions(self, request: Request) -> Response:
        """Return a byte for the predicted label of each image, then ten for its levels if they were kept."""
        run = read_run(self._queries, request.query_params)
        evaluation = self._queries.get_evaluation(run.id, read_number(request.query_params, "evaluation"))
        levels = b"" if evaluation.probabilities is None else evaluation.probabilities.tobytes()
        return respond(request, evaluation.predictions.tobytes() + levels, BYTES, run.uid)

    def labels(self, request: Request) -> Response:
        """Return a byte for the true label of each image of a split."""
        run, split = read_run(self._queries, request.query_params), read_split(request.query_params)
        return respond(request, self._labels(run, split).tobytes(), BYTES, run.uid)

    def _labels(self, run: Run, split: str) -> np.ndarray:
        """Return the true labels, uint8 (N,); those of test images are stored with the runs, too."""
        try:
            return self._images.split_of(run, split).labels
        except DatasetError:
            labels = self._queries.test_labels(run.provenance.test_checksum) if run.provenance else None
            if split != "test" or labels is None or len(labels) != run.test_images:
                raise
            return labels

    def images(self, request: Request) -> Response:
        """Return images of a split in one picture, 28 pixels wide, one below another."""
        run, split = read_run(self._queries, request.query_params), read_split(request.query_params)
        numbers = read_image_numbers(request.query_params, _image_count(run, split))
        sprite = self._images.split_of(run, split).images(numbers).reshape(-1, 28)
        encoded = io.BytesIO()
        Image.fromarray(sprite).save(encoded, "PNG", compress_level=1)
        return respond(request, encoded.getvalue(), "image/png", run.uid)

    def image_history(self, request: Request) -> Response:
        """Return what each evaluation on a split predicted for one image, and its true label, null if unknown."""
        run, split = read_run(self._queries, request.query_params), read_split(request.query_params)
        number = read_number(request.query_params, "image")
        check_image_number(number, _image_count(run, split))
        try:
            label = int(self._labels(run, split)[number])
        except DatasetError:
            label = None
        history = [
            {
                "id": prediction.evaluation_id,
                "step": prediction.step,
                "predicted": prediction.label,
                "probability": None if prediction.probability is None else round(prediction.probability, 4),
            }
            for prediction in self._queries.list_image_predictions(run.id, split, number)
        ]
        return _respond_json(request, {"label": label, "evaluations": history})


def _image_count(run: Run, split: str) -> int:
    return run.test_images if split == "test" else run.validation_images


def _respond_json(request: Request, content: dict[str, Any]) -> Response:
    return respond(request, encode_json(content, compact=True).encode(), "application/json")
