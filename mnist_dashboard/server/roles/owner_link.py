"""The owner link. Opening it stores the owner key in a cookie and redirects to an address without the key."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from mnist_dashboard.server.roles.access_policy import AccessPolicy, owner_cookie
from mnist_dashboard.server.roles.client_location import client_address

PATH = "/owner"
COOKIE_SECONDS = 30 * 24 * 3600
"""How long a browser keeps the key."""


def owner_link(base: str, key: str, run: str = "") -> str:
    """The link for the server at `base` (scheme, host and port). It leads to the page of `run`, if given."""
    return f"{base}{PATH}?{urlencode({'key': key} | ({'run': run} if run else {}))}"


def owner_link_routes(policy: AccessPolicy) -> list[Route]:
    """The route that owner links lead to."""

    def exchange(request: Request) -> Response:
        if not policy.may_try_key(client_address(request)):
            return PlainTextResponse("Too many keys were tried. Wait a minute.\n", status_code=429)
        key = request.query_params.get("key", "")
        if not policy.key.matches(key):
            return PlainTextResponse("This owner link is not valid (any more). Ask the owner for a new one.\n", 403)
        run = request.query_params.get("run", "")
        response = RedirectResponse(f"/?run={run}" if run.isascii() and run.isdecimal() else "/", status_code=303)
        response.set_cookie(
            owner_cookie(),
            key,
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    return [Route(PATH, exchange)]
