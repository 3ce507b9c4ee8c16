"""The routes below `/inference/`, which ask the networks of runs. Viewers may use them, also those that take a drawing.

What a browser may ask of them is in `server.limits.viewer_limits`. Does not import torch: see `mnist_core.inference`.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mnist_core.data.drawing import prepare_drawing, prepare_photo
from mnist_core.data.pictures import MAX_PICTURE_BYTES
from mnist_core.errors import DrawingError, InferenceError, InferenceUnavailableError, MnistError
from mnist_core.inference.client import InferenceClient
from mnist_core.records import encode_json
from mnist_dashboard.inspection.requests import QueryError, read_number, read_numbers, read_split, respond
from mnist_dashboard.server.limits.viewer_limits import INFERENCE_PATH

JSON = "application/json"

MAX_RUNS = 4
"""Maximum number of runs that read one drawing."""

RETRY_SECONDS = 2

Endpoint = Callable[[Request], Awaitable[Response]]


class InferenceRoutes:
    """What each route responds."""

    def __init__(self, client: InferenceClient) -> None:
        self._client = client

    def routes(self) -> list[Route]:
        endpoints: list[tuple[str, Endpoint, list[str]]] = [
            ("read", self.read, ["POST"]),
            ("story", self.story, ["GET", "POST"]),
            ("occlusion", self.occlusion, ["GET", "POST"]),
            ("nearest", self.nearest, ["GET"]),
            ("filters", self.filters, ["GET"]),
            ("activations", self.activations, ["GET", "POST"]),
            ("dead_units", self.dead_units, ["GET"]),
            ("map", self.map, ["GET"]),
            ("tsne", self.tsne, ["GET"]),
        ]
        return [
            Route(f"{INFERENCE_PATH}{name}", in_words(endpoint), methods=methods)
            for name, endpoint, methods in endpoints
        ]

    async def read(self, request: Request) -> Response:
        """Return how the newest weights of each run read a drawing, and what they see of it."""
        run_ids = read_numbers(request.query_params, "runs", MAX_RUNS)
        image = await _read_drawing(request)
        # One after the other: a network that takes too long costs the others no answer.
        answers = [await self._read_by(run_id, image) for run_id in run_ids]
        seen = base64.b64encode(image).decode()
        return respond(request, encode_json({"image": seen, "notice": "", "answers": answers}).encode(), JSON)

    async def _read_by(self, run_id: int, image: bytes) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = json.loads(await self._client.ask({"ask": "read", "run": run_id}, image))
        except InferenceError as error:
            return {"run": run_id, "problem": str(error)}
        return answer

    async def story(self, request: Request) -> Response:
        """Return how every kept network of a run reads a drawing or an image of a split."""
        return await self._ask(request, "story", await _image(request))

    async def occlusion(self, request: Request) -> Response:
        """Return how much each part of an image matters for how it is read."""
        return await self._ask(request, "occlusion", {**_step(request), **await _image(request)})

    async def nearest(self, request: Request) -> Response:
        """Return the correctly read images that a network finds most like an image."""
        count = read_number(request.query_params, "count") if "count" in request.query_params else 1
        question = {**_step(request), **_split_image(request), "count": count}
        return await self._ask(request, "nearest", question, is_batch=True)

    async def filters(self, request: Request) -> Response:
        """Return the weights of the first layer as pictures."""
        return await self._ask(request, "filters", _step(request))

    async def activations(self, request: Request) -> Response:
        """Return what each layer makes of a drawing or an image."""
        return await self._ask(request, "activations", {**_step(request), **await _image(request)})

    async def dead_units(self, request: Request) -> Response:
        """Return how many units of each layer no image of a split activates."""
        question = {**_step(request), "split": read_split(request.query_params)}
        return await self._ask(request, "dead_units", question, is_batch=True)

    async def map(self, request: Request) -> Response:
        """Return a split in two dimensions, as a network sees it."""
        question = {**_step(request), "split": read_split(request.query_params)}
        return await self._ask(request, "map", question, is_batch=True)

    async def tsne(self, request: Request) -> Response:
        """Return a split as t-SNE lays it out so far; each request works at it for about a second."""
        question = {**_step(request), "split": read_split(request.query_params)}
        return await self._ask(request, "tsne", question, is_batch=True)

    async def _ask(self, request: Request, ask: str, question: dict[str, Any], *, is_batch: bool = False) -> Response:
        body = question.pop("drawing", b"")
        run_id = read_number(request.query_params, "run")
        answer = await self._client.ask({"ask": ask, "run": run_id, **question}, body, is_batch=is_batch)
        return respond(request, answer, JSON)


def in_words(endpoint: Endpoint) -> Endpoint:
    """Turn errors that a person can understand into a response of one sentence."""

    @functools.wraps(endpoint)
    async def respond_in_words(request: Request) -> Response:
        try:
            return await endpoint(request)
        except MnistError as error:
            headers = {"Cache-Control": "no-store"}
            if isinstance(error, InferenceUnavailableError):
                headers["Retry-After"] = str(RETRY_SECONDS)
            return PlainTextResponse(f"{error}\n", status_code=_status(error), headers=headers)

    return respond_in_words


def _status(error: MnistError) -> HTTPStatus:
    if isinstance(error, InferenceUnavailableError):
        return HTTPStatus.SERVICE_UNAVAILABLE
    if isinstance(error, _TooLargeError):
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return HTTPStatus.BAD_REQUEST if isinstance(error, QueryError) else HTTPStatus.UNPROCESSABLE_ENTITY


class _TooLargeError(MnistError):
    """A request has a larger body than is read."""


def _step(request: Request) -> dict[str, Any]:
    return {"step": read_number(request.query_params, "step")}


def _split_image(request: Request) -> dict[str, Any]:
    return {"split": read_split(request.query_params), "image": read_number(request.query_params, "image")}


async def _image(request: Request) -> dict[str, Any]:
    """Return which image a question is about: the drawing in the body, else one of a split."""
    return {"drawing": await _read_drawing(request)} if request.method == "POST" else _split_image(request)


async def _read_drawing(request: Request) -> bytes:
    """Return the image (784 bytes) that the networks see of a drawing, or of a photo with `photo=1`.

    Raises `DrawingError` if it shows no digit, and `_TooLargeError`.
    """
    content = await _read_body(request)
    query = request.query_params
    if query.get("photo") == "1":
        image = await asyncio.to_thread(prepare_photo, content, invert=query.get("invert") == "1")
    else:
        image = await asyncio.to_thread(prepare_drawing, content)
    return image.tobytes()


async def _read_body(request: Request) -> bytes:
    content = bytearray()
    try:
        async for chunk in request.stream():
            content += chunk
            if len(content) > MAX_PICTURE_BYTES:
                raise _TooLargeError(f"Choose a picture of at most {MAX_PICTURE_BYTES // 2**20} MB.")
    except ClientDisconnect as error:
        raise DrawingError("The picture did not arrive whole.") from error
    return bytes(content)
