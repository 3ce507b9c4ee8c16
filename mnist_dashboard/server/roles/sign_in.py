"""Signing in: the links with a one-time code, and the page that exchanges a code for a session.

The code stands behind the `#` of a link, so browsers send it to no server: it is in no log of a server or proxy. The
page takes it out of the address and sends it when its button is pressed, so programs that preview links use up none.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from mnist_core.system.paths import IS_CHECKOUT
from mnist_dashboard.server import hosts
from mnist_dashboard.server.assets import asset_url
from mnist_dashboard.server.roles.access_policy import AccessPolicy, owner_cookie
from mnist_dashboard.server.roles.client_location import browser_scheme, client_address
from mnist_dashboard.server.roles.device_name import device_name

PATH = "/sign-in"

COMMAND = f"{'python -m mnist_dashboard' if IS_CHECKOUT else 'mnist-trainer'} owner-link"
"""Prints a new link; see `cli`."""

COOKIE_SECONDS = 400 * 24 * 3600
"""The longest time that browsers keep a cookie. The server ends a session earlier; see `owner_sessions`."""

MAX_BODY_BYTES = 1000
"""A code has 22 characters."""

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Sign in to MNIST Trainer</title>
<link rel="icon" href="{icon}">
<link rel="stylesheet" href="{css}">
<script type="module" src="{js}"></script>
<main data-home="{home}">
<h1>MNIST Trainer</h1>
<p role="status">This page needs JavaScript.</p>
<button type="button" hidden>Sign in as owner</button>
<p class="help" hidden>On the server's machine, this command prints a new link:<br><code>{command}</code><br>
A signed-in owner makes one with the Share button.</p>
<p><a href="{home}">Watch without signing in</a></p>
</main>
</html>
"""


def sign_in_link(base: str, code: str, *, run: str = "", at_once: bool = False) -> str:
    """The link for the server at `base`. It leads to the page of `run`, if given.

    With `at_once` the page signs in without a click. Only for links that nobody else sees.
    """
    parameters = {"code": code} | ({"run": run} if run else {}) | ({"now": "1"} if at_once else {})
    return f"{base}{PATH}#{urlencode(parameters)}"


def sign_in_routes(policy: AccessPolicy) -> list[Route]:
    """The page that the links lead to, and what its button does."""

    def page(_request: Request) -> Response:
        text = _PAGE.format(
            icon=asset_url("ui/favicon.png"),
            css=asset_url("server/roles/sign_in.css"),
            js=asset_url("server/roles/sign_in.js"),
            home=f"{hosts.base_path()}/",
            command=COMMAND,
        )
        return HTMLResponse(text, headers={"Cache-Control": "no-store"})

    async def exchange(request: Request) -> Response:
        if policy.is_locked_out(request.headers):
            return PlainTextResponse("Too many wrong codes were tried. Wait a minute and try again.\n", 429)
        code = await _read_code(request)
        device = device_name(request.headers.get("user-agent", ""))
        token = policy.sessions.sign_in(code, device, request.cookies.get(owner_cookie(), ""))
        if token is None:
            policy.record_wrong_try(request.headers, code)
            return PlainTextResponse("This link has been used, or its time is over.\n", 403)
        session = policy.sessions.find(token)
        policy.audit_log.record(session.name if session else device, client_address(request.headers), "signed in")
        response = Response(status_code=204, headers={"Cache-Control": "no-store"})
        response.set_cookie(
            owner_cookie(),
            token,
            max_age=COOKIE_SECONDS,
            path=hosts.base_path() or "/",
            httponly=True,
            samesite="strict",
            secure=browser_scheme(request.headers) == "https",
        )
        return response

    return [Route(PATH, page, methods=["GET"]), Route(PATH, exchange, methods=["POST"])]


async def _read_code(request: Request) -> str:
    """The code in the form that the page sent; empty if there is none."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return ""
    except ClientDisconnect:
        return ""
    return parse_qs(body.decode("ascii", errors="replace")).get("code", [""])[0]
