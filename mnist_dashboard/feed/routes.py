"""The addresses of the live feed, `/live`, and of the list of all runs that it keeps up to date, `/runs.json`."""

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
from mnist_dashboard.server.access_policy import AccessPolicy, viewer_cookie

PING_SECONDS = 2.0

SEND_SECONDS = 20.0
"""A browser that takes nothing for so long has gone to sleep: it comes back by itself when it wakes."""

MAX_RUNS_PER_STREAM = 20


class _Stream(EventSourceResponse):
    """Leaves nothing in the terminal when its browser takes nothing any more, or the server ends."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(SendTimeoutError):
            await super().__call__(scope, receive, send)
            if self.active and scope["method"] == "GET":  # cut off by the server's end; it complains of half an answer
                await send({"type": "http.response.body", "body": b"", "more_body": False})


def feed_routes(hub: LiveHub, policy: AccessPolicy) -> list[Route]:
    """The feed, and the list of all runs that it keeps up to date."""

    async def live(request: Request) -> Response:
        try:
            run_ids, smoothing = read_query(request.url.query)
        except ValueError as error:
            return PlainTextResponse(f"{error}\n", status_code=400)
        last_event_id = request.headers.get("last-event-id", "")
        return _Stream(
            hub.stream(
                run_ids,
                smoothing,
                last_event_id,
                viewer=request.cookies.get(viewer_cookie(), ""),
                admitted=lambda: policy.admits(request.headers),
            ),
            ping=PING_SECONDS,
            send_timeout=SEND_SECONDS,
            ping_message_factory=lambda: ServerSentEvent(event="ping", data="{}"),
        )

    async def run_list(request: Request) -> Response:
        tag, packed = await asyncio.to_thread((await hub.run_list()).pack)
        headers = {
            "ETag": tag,
            "Cache-Control": "no-cache",
            "Content-Encoding": "gzip",
            "X-Content-Type-Options": "nosniff",
        }
        if request.headers.get("if-none-match", "").removeprefix("W/") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return Response(packed, media_type="application/json", headers=headers)

    return [Route("/live", live), Route("/runs.json", run_list)]


def read_query(query: str) -> tuple[frozenset[int], float]:
    """Which runs, and how smooth. Raises ValueError with a sentence for whoever wrote the address."""
    parameters = QueryParams(query)
    words = [word for word in parameters.get("runs", "").split(",") if word]
    if len(words) > MAX_RUNS_PER_STREAM or not all(word.isdecimal() and len(word) < 10 for word in words):
        raise ValueError(f"runs must be at most {MAX_RUNS_PER_STREAM} run numbers with commas between, such as 7,5.")
    try:
        smoothing = float(parameters.get("smoothing", "0"))
    except ValueError:
        smoothing = -1.0
    if not 0 <= smoothing < 1:
        raise ValueError("smoothing must be a number from 0 to below 1.")
    return frozenset(map(int, words)), smoothing
