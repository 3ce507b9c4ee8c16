"""The route for the standing of a race: who was in front at which moment, and whether the lead is more than noise."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mnist_core.analysis.comparison.race_standing import Standing, find_standing, list_moments
from mnist_core.analysis.seed_groups import describe_differences
from mnist_core.data.run_images import RunImages
from mnist_core.errors import DatasetError, MnistError
from mnist_core.records import Run, round_number
from mnist_core.runs.races import MAX_LANES, MIN_LANES
from mnist_core.store.queries import Queries
from mnist_dashboard.inspection.requests import QueryError, in_words, read_numbers, respond_json

MAX_STANDINGS = 8
"""Maximum number of standings in memory: every viewer of a race asks after each evaluation."""


class RaceRoute:
    """What `/race.json` responds. Starlette runs it in threads."""

    def __init__(self, queries: Queries, images: RunImages) -> None:
        self._queries = queries
        self._images = images
        self._describe = functools.lru_cache(MAX_STANDINGS)(self._describe_standing)

    def route(self) -> Route:
        return Route("/race.json", in_words(self.race))

    def race(self, request: Request) -> Response:
        """Return the moments at which lanes were evaluated after the same images, and what to say of the last one.

        Of each moment: epochs, the lane in front, and by lane its step and validation accuracy. The sentence is empty
        before the first moment, and if the images of the race are no longer on this machine.
        """
        numbers = read_numbers(request.query_params, "runs", MAX_LANES)
        if len(numbers) < MIN_LANES:
            raise QueryError(f"runs must be {MIN_LANES} to {MAX_LANES} lanes of a race, such as runs=7,8.")
        lanes = [self._read_lane(number) for number in numbers]
        if lanes[0].race_id is None or len({run.race_id for run in lanes}) > 1:
            # Only the lanes of a race are sure to have the same validation images.
            raise QueryError(f"{', '.join(run.name for run in lanes)} are not lanes of one race.")
        heads = {run.id: self._queries.list_stored_evaluations(run.id) for run in lanes}
        state = tuple((run.id, run.uid, run.name, run.status, *(head.id for head in heads[run.id])) for run in lanes)
        moments = list_moments([(run, heads[run.id]) for run in lanes])
        listed = [
            {
                "epochs": moment.epochs,
                "leader": moment.leader,
                "steps": moment.steps,
                "accuracies": {run_id: round_number(accuracy) for run_id, accuracy in moment.accuracies.items()},
            }
            for moment in moments
        ]
        sentence, is_real = self._describe(state) if moments else ("", False)
        is_level = not moments or moments[-1].is_level
        content = {"moments": listed, "sentence": sentence, "is_real": is_real, "is_level": is_level}
        return respond_json(request, content)

    def _read_lane(self, number: int) -> Run:
        run = self._queries.get_run(number)
        if run.damage:
            raise MnistError(f"{run.name} is damaged. {run.damage}")
        return run

    def _describe_standing(self, state: Sequence[tuple[Any, ...]]) -> tuple[str, bool]:
        """Return a sentence on the standing of these lanes, and whether the lead is more than noise.

        `state` begins with the number of each lane, and says whether the sentence is still true.
        """
        lanes = [self._queries.get_run(number) for number, *_ in state]
        standing = self._find_standing(lanes)
        return (standing.describe(describe_differences(lanes)), standing.is_real) if standing else ("", False)

    def _find_standing(self, lanes: Sequence[Run]) -> Standing | None:
        try:
            labels = self._images.split_of(lanes[0], "validation").labels
        except DatasetError:
            return None
        return find_standing([(run, self._queries.list_evaluations(run.id)) for run in lanes], labels)
