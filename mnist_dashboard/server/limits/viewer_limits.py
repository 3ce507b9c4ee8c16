"""What viewers may ask of the server: requests, open pages and open streams, for one source and for all."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from starlette.types import Scope

from mnist_dashboard.server.limits.connections import RETRY_SECONDS, free_files
from mnist_dashboard.server.limits.reruns import RerunQueue
from mnist_dashboard.server.limits.sources import Pace, SharedLimit

MAX_PAGES_PER_SOURCE, MAX_PAGES = 60, 600
"""Pages open at once. Each takes 0.4 MB of memory."""

FILES_PER_PAGE = 5
"""Its socket, its stream, and three that Streamlit opens for each page's session."""

REQUEST_BURST, REQUESTS_PER_SECOND = 3000, 8.0
"""Requests of one source at once, and in the long run. A first visit takes 150, and a class may share an address."""

SERVER_REQUEST_BURST, SERVER_REQUESTS_PER_SECOND = 20_000, 200.0
"""Requests of all viewers; each takes 0.5 to 2 ms. Nobody waits for it before 25 sources use all that they may."""

MAX_WAIT_SECONDS = 30.0
"""A request that would have to wait longer is refused. A page that lacks a file is worse than one that comes late."""

FEED_PATH = "/live"
"""Path of the live feed, whose responses are streams."""

INFERENCE_PATH = "/inference/"
"""Beginning of the paths that ask the networks of runs. Viewers may send drawings to them."""

MAX_INFERENCES_PER_SOURCE, MAX_INFERENCES = 16, 64
"""Requests to the networks that wait at once. A page sends one after the other, and a class may share an address."""

INFERENCES_PER_SECOND = 40.0
"""Requests of one source to the networks. While a digit is drawn, a page sends up to 20."""

PAGE_COST, RUN_COST, TABLE_COST = 20.0, 10.0, 5.0
"""How many requests these count as: opening the socket of a page, each run of a stream, and the list of all runs."""

SWEEP_COST = 10.0
"""How many more requests a stream with a search counts as: it begins with all of its trials."""

PATH_COSTS = {
    "/runs.json": TABLE_COST,
    "/evaluations.json": 2.0,
    "/predictions.bin": 4.0,
    "/images.png": 4.0,
    "/image_history.json": 20.0,
    "/calibration.json": 5.0,
    "/disagreement.json": 10.0,
    "/drawings.json": 4.0,
    "/race.json": 5.0,
    "/sweep-analysis.json": 10.0,
    **{f"{INFERENCE_PATH}{name}": 10.0 for name in ("nearest", "dead_units", "map", "tsne")},
}
"""How many requests a request to one of these paths counts as; one to any other counts as one."""

INFERENCE_COST = REQUESTS_PER_SECOND / INFERENCES_PER_SECOND
"""How many requests any other request to the networks counts as: it has a limit of its own."""

FORBIDDEN_COST = 500.0
"""How many requests a message counts as that no page of ours sends."""

MESSAGE_BURST, MESSAGES_PER_SECOND = 400, 40.0
"""Messages that the open pages of one source may send at once, and in the long run. Dragging a slider sends most."""

_SERVER = ""


class BusyError(Exception):
    """The server, or what it allows one source, is in use up to the limit."""

    def __init__(self, text: str, retry_seconds: float = RETRY_SECONDS) -> None:
        super().__init__(text)
        self.retry_seconds = math.ceil(retry_seconds)


class ViewerLimits:
    """The limits of one server. Use it in the event loop's thread."""

    def __init__(self) -> None:
        self._requests = Pace(REQUEST_BURST, REQUESTS_PER_SECOND)
        self._all_requests = Pace(SERVER_REQUEST_BURST, SERVER_REQUESTS_PER_SECOND)
        self._pages = SharedLimit(MAX_PAGES_PER_SOURCE, MAX_PAGES)
        self._streams = SharedLimit(MAX_PAGES_PER_SOURCE, MAX_PAGES)
        self._inferences = SharedLimit(MAX_INFERENCES_PER_SOURCE, MAX_INFERENCES)
        self._inference_pace = Pace(INFERENCES_PER_SECOND, INFERENCES_PER_SECOND)
        self.messages = Pace(MESSAGE_BURST, MESSAGES_PER_SECOND)
        self.reruns = RerunQueue()

    async def pace_request(self, source: str, scope: Scope) -> None:
        """Wait until the source may send one more request. Raises `BusyError` if that takes too long."""
        wait = max(self._requests.wait_seconds(source), self._all_requests.wait_seconds(_SERVER))
        if wait > MAX_WAIT_SECONDS:
            raise BusyError("This address sends too many requests.", wait)
        cost = _cost(scope)
        self._requests.use(source, cost)
        self._all_requests.use(_SERVER, cost)
        if wait:
            await asyncio.sleep(wait)

    def note_forbidden_message(self, source: str) -> None:
        """Count a message that no page of ours sends."""
        self._requests.use(source, FORBIDDEN_COST)

    @contextmanager
    def page(self, source: str) -> Iterator[None]:
        """Count an open page. Raises `BusyError` if there are too many."""
        if free_files() < FILES_PER_PAGE:
            raise BusyError("This server cannot open more pages.")
        with self._counted(self._pages, source):
            yield

    @contextmanager
    def stream(self, source: str) -> Iterator[None]:
        """Count an open stream of the live feed. Raises `BusyError` if there are too many."""
        with self._counted(self._streams, source):
            yield

    @asynccontextmanager
    async def inference(self, source: str) -> AsyncIterator[None]:
        """Count a request to the networks, and wait until it is its turn. Raises `BusyError` if others wait already."""
        if not self._inferences.try_take(source):
            raise BusyError("This address sends too many drawings and questions at once.")
        try:
            wait = self._inference_pace.wait_seconds(source)
            self._inference_pace.use(source)
            await asyncio.sleep(wait)
            yield
        finally:
            self._inferences.give_back(source)

    @contextmanager
    def _counted(self, limit: SharedLimit, source: str) -> Iterator[None]:
        if not limit.try_take(source):
            raise BusyError("This server has too many pages open. Close some, or wait.")
        try:
            yield
        finally:
            limit.give_back(source)


def _cost(scope: Scope) -> float:
    """Return how many requests a request counts as."""
    if scope["type"] == "websocket":
        return PAGE_COST
    if scope["path"] == FEED_PATH:
        query: bytes = scope["query_string"].lower()
        sweep_cost = SWEEP_COST if b"sweep" in query else 0.0
        return RUN_COST * (1 + query.count(b",") + query.count(b"%2c")) + sweep_cost
    return PATH_COSTS.get(scope["path"], INFERENCE_COST if scope["path"].startswith(INFERENCE_PATH) else 1.0)
