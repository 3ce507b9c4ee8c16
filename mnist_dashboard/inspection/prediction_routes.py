"""The routes for evaluations, predicted labels and probabilities, true labels, images, and the history of one image.

Starlette runs these endpoints in threads, since they are not `async`: reading blocks no other request.
"""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import numpy as np
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mnist_core.analysis.predictions.image_history import follow_image
from mnist_core.analysis.predictions.true_labels import true_labels
from mnist_core.data.run_images import RunImages
from mnist_core.errors import DatasetError
from mnist_core.exports.field_readers import SPLITS
from mnist_core.records import Run, json_value
from mnist_core.store.queries import Queries
from mnist_core.system.paths import runs_dir
from mnist_dashboard.inspection.requests import (
    check_image_number,
    in_words,
    read_image_numbers,
    read_number,
    read_run,
    read_split,
    respond_json,
    respond_lasting,
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
        return respond_json(request, content)

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
        evaluation_id = read_number(request.query_params, "evaluation")

        def read() -> bytes:
            evaluation = self._queries.get_evaluation(run.id, evaluation_id)
            levels = b"" if evaluation.probabilities is None else evaluation.probabilities.tobytes()
            return evaluation.predictions.tobytes() + levels

        return respond_lasting(request, run, BYTES, read)

    def labels(self, request: Request) -> Response:
        """Return a byte for the true label of each image of a split."""
        run, split = read_run(self._queries, request.query_params), read_split(request.query_params)
        return respond_lasting(
            request, run, BYTES, lambda: true_labels(self._queries, self._images, run, split).tobytes()
        )

    def images(self, request: Request) -> Response:
        """Return images of a split in one picture, 28 pixels wide, one below another."""
        run, split = read_run(self._queries, request.query_params), read_split(request.query_params)
        numbers = read_image_numbers(request.query_params, _image_count(run, split))
        return respond_lasting(
            request, run, "image/png", lambda: _encode_png(self._images.split_of(run, split).images(numbers))
        )

    def image_history(self, request: Request) -> Response:
        """Return what each evaluation on a split predicted for one image.

        The true label, how often the image changed sides, and the step since which it has been wrong are null if the
        label is unknown; the step is also null if the last evaluation got it right.
        """
        run, split = read_run(self._queries, request.query_params), read_split(request.query_params)
        number = read_number(request.query_params, "image")
        check_image_number(number, _image_count(run, split))
        predictions = self._queries.list_image_predictions(run.id, split, number)
        content: dict[str, Any] = {"label": None, "sides_changed": None, "wrong_since": None}
        with suppress(DatasetError):
            label = int(true_labels(self._queries, self._images, run, split)[number])
            content = {"label": label, **asdict(follow_image(predictions, label))}
        content["evaluations"] = [
            {
                "id": prediction.evaluation_id,
                "step": prediction.step,
                "predicted": prediction.label,
                "probability": None if prediction.probability is None else round(prediction.probability, 4),
            }
            for prediction in predictions
        ]
        return respond_json(request, content)


def _encode_png(images: np.ndarray) -> bytes:
    """Return images, uint8 (N, 28, 28), as one greyscale picture (28 N, 28)."""
    encoded = io.BytesIO()
    Image.fromarray(images.reshape(-1, 28)).save(encoded, "PNG", compress_level=1)
    return encoded.getvalue()


def _image_count(run: Run, split: str) -> int:
    return run.test_images if split == "test" else run.validation_images
