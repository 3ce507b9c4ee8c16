"""The routes of the live feed: `/live`, the event stream, and `/runs.json`, the summaries of all runs."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from mnist_dashboard.feed.hub import LiveHub
from mnist_dashboard.server.roles.access_policy import AccessPolicy, viewer_cookie
from mnist_dashboard.server.shared_constants import MAX_OVERLAID, PING_SECONDS

SEND_TIMEOUT_SECONDS = 20.0
"""A stream whose browser reads nothing for this long is closed. A browser that slept reconnects when it wakes."""

SMOOTHING_DIGITS, MAX_SMOOTHING = 2, 0.99
"""The sliders of the pages move in steps of 0.01. Other values are rounded, so that they share its cached curves."""

MAX_ID_LENGTH = 10
"""Numbers of runs and searches are shorter than this."""

MAX_RUNS_PER_STREAM = MAX_OVERLAID + 6
"""Maximum number of runs whose curves one stream sends: those of a chart, the baseline, and some to spare."""


class _EventStream(EventSourceResponse):
    """Logs no error when a browser stops reading or the server shuts down."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(SendTimeoutError):
            await super().__call__(scope, receive, send)
            if self.active and scope["method"] == "GET":  # cut off by a shutdown, which logs incomplete responses
                await send({"type": "http.response.body", "body": b"", "more_body": False})


def feed_routes(hub: LiveHub, policy: AccessPolicy) -> list[Route]:
    async def live(request: Request) -> Response:
        try:
            run_ids, smoothing, sweep_id = read_query(request.url.query)
        except ValueError as error:
            return PlainTextResponse(f"{error}\n", status_code=400)
        stream = hub.stream(
            run_ids,
            smoothing,
            request.headers.get("last-event-id", ""),
            sweep_id=sweep_id,
            viewer_id=request.cookies.get(viewer_cookie(), ""),
            is_admitted=lambda: policy.admits(request.headers),
        )
        return _EventStream(
            stream,
            ping=PING_SECONDS,
            send_timeout=SEND_TIMEOUT_SECONDS,
            ping_message_factory=lambda: ServerSentEvent(event="ping", data="{}"),
        )

    async def all_runs(request: Request) -> Response:
        etag, compressed = await asyncio.to_thread((await hub.summaries()).compress)
        if request.headers.get("if-none-match", "").removeprefix("W/") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        headers = {
            "ETag": etag,
            "Cache-Control": "no-cache",
            "Content-Encoding": "gzip",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(compressed, media_type="application/json", headers=headers)

    return [Route("/live", live), Route("/runs.json", all_runs)]


def read_query(query: str) -> tuple[frozenset[int], float, int | None]:
    """Run ids, rounded smoothing and the search, if any, in the query of `/live`.

    Raises `ValueError` with a sentence for the caller.
    """
    parameters = QueryParams(query)
    words = [word for word in parameters.get("runs", "").split(",") if word]
    if len(words) > MAX_RUNS_PER_STREAM or not all(map(_is_id, words)):
        raise ValueError(f"runs must be at most {MAX_RUNS_PER_STREAM} run numbers with commas between, such as 7,5.")
    try:
        smoothing = float(parameters.get("smoothing", "0"))
    except ValueError:
        smoothing = -1.0
    if not 0 <= smoothing < 1:
        raise ValueError("smoothing must be a number from 0 to below 1.")
    sweep = parameters.get("sweep", "")
    if sweep and not _is_id(sweep):
        raise ValueError("sweep must be the number of one search, such as 3.")
    rounded = min(round(smoothing, SMOOTHING_DIGITS), MAX_SMOOTHING)
    return frozenset(map(int, words)), rounded, int(sweep) if sweep else None


def _is_id(word: str) -> bool:
    return word.isdecimal() and len(word) < MAX_ID_LENGTH
