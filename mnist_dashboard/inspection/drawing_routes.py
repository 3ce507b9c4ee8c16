"""The route for the kept drawings, and for how many of them each run reads right."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mnist_core.errors import MnistError
from mnist_core.store import RunStore
from mnist_dashboard.inspection.drawing_judge import DrawingJudge
from mnist_dashboard.inspection.inference_routes import in_words
from mnist_dashboard.inspection.requests import read_numbers, respond_json

MAX_RUNS = 4
"""Maximum number of runs whose readings of each drawing are returned."""


class DrawingRoutes:
    """What the route responds."""

    def __init__(self, store: RunStore, judge: DrawingJudge) -> None:
        self._store = store
        self._judge = judge

    def routes(self) -> list[Route]:
        return [Route("/drawings.json", in_words(self.drawings))]

    async def drawings(self, request: Request) -> Response:
        """Return the scores of all runs that have read every drawing.

        With `runs=7,6` also the drawings, and what each of these runs reads on them or why it cannot.
        """
        scores = await asyncio.to_thread(self._store.readings.scores)
        content: dict[str, Any] = {
            "scores": {str(run_id): [score.right, score.drawings] for run_id, score in scores.items()}
        }
        if "runs" in request.query_params:
            run_ids = read_numbers(request.query_params, "runs", MAX_RUNS)
            content["readings"] = [await self._reading(run_id) for run_id in run_ids]
            content["drawings"] = [
                {
                    "id": drawing.id,
                    "name": drawing.name,
                    "label": drawing.label,
                    "image": base64.b64encode(drawing.image).decode(),
                }
                for drawing in await asyncio.to_thread(self._store.drawings.list_drawings)
            ]
        return respond_json(request, content)

    async def _reading(self, run_id: int) -> dict[str, Any]:
        try:
            digits = await self._judge.judge(run_id)
        except MnistError as error:
            return {"run": run_id, "problem": str(error)}
        return {"run": run_id, "digits": {str(drawing_id): digit for drawing_id, digit in digits.items()}}
