"""The owner link: opening it exchanges the owner key for a cookie, so that the key is in no address from there on."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from mnist_dashboard.server.access_policy import Sharing, owner_cookie
from mnist_dashboard.server.guard import source_of

PATH = "/owner"
COOKIE_SECONDS = 30 * 24 * 3600


def owner_link(base: str, key: str, run: str = "") -> str:
    """The link for the server at `base` (scheme, host and port), to the page of a run if one is named."""
    return f"{base}{PATH}?{urlencode({'key': key} | ({'run': run} if run else {}))}"


def owner_link_routes(sharing: Sharing) -> list[Route]:
    """The one address that owner links have."""

    def exchange(request: Request) -> Response:
        if not sharing.may_try_key(source_of(request)):
            return PlainTextResponse("Too many keys were tried. Wait a minute.\n", status_code=429)
        key = request.query_params.get("key", "")
        if not sharing.key.matches(key):
            return PlainTextResponse("This owner link is not valid (any more). Ask the owner for a new one.\n", 403)
        run = request.query_params.get("run", "")
        answer = RedirectResponse(f"/?run={run}" if run.isascii() and run.isdecimal() else "/", status_code=303)
        answer.set_cookie(
            owner_cookie(),
            key,
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return [Route(PATH, exchange)]
