"""The routes for how far a run's probabilities can be believed, and for what two runs disagree about."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mnist_core.analysis.predictions.calibration import accuracy_kept, calibrate
from mnist_core.analysis.predictions.disagreement import compare_predictions
from mnist_core.analysis.predictions.true_labels import true_labels
from mnist_core.data.run_images import RunImages
from mnist_core.errors import MnistError
from mnist_core.records import round_number
from mnist_core.store.queries import Queries
from mnist_dashboard.inspection.requests import in_words, read_number, read_run, respond_json


class AnalysisRoutes:
    """What each route responds. Starlette runs them in threads."""

    def __init__(self, queries: Queries, images: RunImages) -> None:
        self._queries = queries
        self._images = images

    def routes(self) -> list[Route]:
        return [
            Route("/calibration.json", in_words(self.calibration)),
            Route("/disagreement.json", in_words(self.disagreement)),
        ]

    def calibration(self, request: Request) -> Response:
        """Return the expected calibration error, the reliability curve, and the accuracy of the most certain."""
        run = read_run(self._queries, request.query_params)
        evaluation = self._queries.get_evaluation(run.id, read_number(request.query_params, "evaluation"))
        if evaluation.probabilities is None:
            raise MnistError(
                f"The evaluation of {run.name} at step {evaluation.step:,} kept the predicted labels alone, so its "
                "calibration is unknown. Train the run again to keep probabilities."
            )
        labels = true_labels(self._queries, self._images, run, evaluation.split)
        arrays = evaluation.probabilities, evaluation.predictions, labels
        calibration = calibrate(*arrays)
        bins = [
            {
                "from": round_number(found.low),
                "to": round_number(found.high),
                "images": found.images,
                "confidence": _round(found.confidence),
                "accuracy": _round(found.accuracy),
            }
            for found in calibration.bins
        ]
        kept = [{"kept": entry.share, "accuracy": round_number(entry.accuracy)} for entry in accuracy_kept(*arrays)]
        return respond_json(request, {"ece": round_number(calibration.ece), "bins": bins, "kept": kept})

    def disagreement(self, request: Request) -> Response:
        """Return the images of the last tests that one of two runs gets right, or neither, and the verdict."""
        a, b = (read_run(self._queries, request.query_params, name) for name in ("run", "with"))
        found = compare_predictions(self._queries, a.id, b.id)
        content = {
            "only_a": found.only_a.tolist(),
            "only_b": found.only_b.tolist(),
            "both_wrong": found.both_wrong.tolist(),
            "p_value": found.verdict.p_value,
            "sentence": found.verdict.sentence,
        }
        return respond_json(request, content)


def _round(value: float | None) -> float | None:
    return None if value is None else round_number(value)
