"""What the routes of this package share: reading a query, one sentence for an error, and caching in the browser."""

from __future__ import annotations

import functools
import gzip
import hashlib
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mnist_core.errors import (
    EvaluationNotFoundError,
    MnistError,
    RunNotFoundError,
    StoreUnavailableError,
    SweepNotFoundError,
)
from mnist_core.exports.field_readers import SPLITS
from mnist_core.records import Run, encode_json
from mnist_core.store.queries import Queries

MAX_DIGITS = 15
"""Maximum length of a number in a query: longer ones may exceed the integers of SQLite."""

MAX_IMAGES = 100
"""Maximum number of images in one picture."""

COMPRESSION_LEVEL = 1


class QueryError(MnistError):
    """A query is not one that these routes answer."""


Endpoint = Callable[[Request], Response]


def in_words(endpoint: Endpoint) -> Endpoint:
    """Turn the errors of an endpoint that a person can understand into a response of one sentence."""

    @functools.wraps(endpoint)
    def respond(request: Request) -> Response:
        try:
            return endpoint(request)
        except MnistError as error:
            headers = {"Cache-Control": "no-store"}
            return PlainTextResponse(f"{error}\n", status_code=_status(error), headers=headers)

    return respond


def _status(error: MnistError) -> HTTPStatus:
    if isinstance(error, QueryError):
        return HTTPStatus.BAD_REQUEST
    if isinstance(error, (RunNotFoundError, EvaluationNotFoundError, SweepNotFoundError)):
        return HTTPStatus.NOT_FOUND
    return HTTPStatus.SERVICE_UNAVAILABLE if isinstance(error, StoreUnavailableError) else HTTPStatus.CONFLICT


def read_number(query: QueryParams, name: str) -> int:
    """Return a whole number from 0 on in a query. Raises `QueryError`."""
    word = query.get(name, "")
    if not _is_number(word):
        raise QueryError(f"{name} must be a number, such as {name}=7.")
    return int(word)


def read_split(query: QueryParams) -> str:
    """Return `validation` or `test`. Raises `QueryError`."""
    split = query.get("split", "")
    if split not in SPLITS:
        raise QueryError("split must be validation or test.")
    return split


def read_image_numbers(query: QueryParams, images: int) -> list[int]:
    """Return the numbers in `images=5,17` of a split with this many images. Raises `QueryError`."""
    words = query.get("images", "").split(",")
    if not 1 <= len(words) <= MAX_IMAGES or not all(map(_is_number, words)):
        raise QueryError(f"images must be 1 to {MAX_IMAGES} numbers with commas between, such as images=5,17.")
    numbers = [int(word) for word in words]
    for number in numbers:
        check_image_number(number, images)
    return numbers


def read_numbers(query: QueryParams, name: str, max_count: int) -> list[int]:
    """Return the numbers in such as `runs=7,6`, each once. Raises `QueryError`."""
    words = query.get(name, "").split(",")
    if not 1 <= len(words) <= max_count or not all(map(_is_number, words)):
        raise QueryError(f"{name} must be 1 to {max_count} numbers with commas between, such as {name}=7,6.")
    return list(dict.fromkeys(int(word) for word in words))


def check_image_number(number: int, images: int) -> None:
    """Raise `QueryError` unless a split with this many images has an image with this number."""
    if number >= images:
        raise QueryError(f"There is no image {number:,}: the images have the numbers 0 to {images - 1:,}.")


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) <= MAX_DIGITS


def read_run(queries: Queries, query: QueryParams, name: str = "run") -> Run:
    """Return the run that a query names. Raises `QueryError`, `RunNotFoundError`, or `MnistError` if it is damaged."""
    run = queries.get_run(read_number(query, name))
    if run.damage:
        raise MnistError(f"{run.name} is damaged. {run.damage}")
    return run


def respond(request: Request, content: bytes, media_type: str) -> Response:
    """Return a response whose content may change: the browser asks each time whether it has."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return _respond(request, etag, "private, no-cache", media_type, lambda: content)


def respond_lasting(request: Request, run: Run, media_type: str, read: Callable[[], bytes]) -> Response:
    """Return a response that never changes for this address and the identity of this run, which is its ETag.

    The browser keeps it for a year if `v` in the query is that identity. Otherwise it asks each time: another database
    on the same address reuses the numbers of runs and evaluations. `read` is called only if the browser lacks it.
    """
    is_kept = request.query_params.get("v") == run.uid
    caching = "private, max-age=31536000, immutable" if is_kept else "private, no-cache"
    return _respond(request, f'"{run.uid}"', caching, media_type, read)


def _respond(request: Request, etag: str, caching: str, media_type: str, read: Callable[[], bytes]) -> Response:
    """Pictures are compressed already; the rest is compressed here."""
    headers = {"ETag": etag, "Cache-Control": caching, "X-Content-Type-Options": "nosniff"}
    if request.headers.get("if-none-match", "").removeprefix("W/") == etag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    content = read()
    if media_type.startswith("image/"):
        return Response(content, media_type=media_type, headers={**headers, "Content-Encoding": "identity"})
    compressed = gzip.compress(content, COMPRESSION_LEVEL, mtime=0)
    return Response(compressed, media_type=media_type, headers={**headers, "Content-Encoding": "gzip"})


def respond_json(request: Request, content: dict[str, Any]) -> Response:
    """Return a response that the browser asks for again each time."""
    return respond(request, encode_json(content, compact=True).encode(), "application/json")
