"""Who may use which route: every route of our own, requested in every role."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from mnist_core.store import RunStore
from mnist_dashboard.feed.hub import LiveHub
from mnist_dashboard.feed.routes import feed_routes
from mnist_dashboard.server import assets
from mnist_dashboard.server.guard import OWNER_PATHS, Guard
from mnist_dashboard.server.hosts import AllowedHosts
from mnist_dashboard.server.roles import owner_link
from mnist_dashboard.server.roles.access_policy import AccessPolicy, owner_cookie
from mnist_dashboard.server.roles.client_location import LOCAL, LOCATION_HEADER
from tests.support.asgi_client import PEER, Response, build_scope, send_request_async
from tests.support.feed_reader import running_hub

LAN = "10.0.0.2:8501"
VIEWER_ADDRESSES = {
    "/live": "/live?runs=1",
    "/runs.json": "/runs.json",
    "/assets/{version}/{name:path}": assets.asset_url("components/lib/dom.js"),
}
"""Addresses that viewers may read, by route. Exports are downloaded from random addresses of Streamlit."""

OWNERS = ("here", "with the key")
VIEWERS = ("peer", "with a wrong key", "with a forged header")


@pytest.fixture
def policy(places: Path) -> AccessPolicy:
    return AccessPolicy(places / "runs")


def fetch(store: RunStore, policy: AccessPolicy, role: str, address: str, **more: Any) -> Response:
    """Return the response of the server, composed as in `app.py`, to a request in this role."""
    headers = {
        "with the key": [("cookie", f"{owner_cookie()}={policy.key.read()}")],
        "with a wrong key": [("cookie", f"{owner_cookie()}=wrong")],
        "with a forged header": [(LOCATION_HEADER, LOCAL)],
    }.get(role, [])
    connection: dict[str, Any] = {} if role == "here" else {"client": PEER, "host": LAN}
    own = ("origin", f"http://{connection.get('host', 'localhost:8501')}")

    async def scenario() -> Response:
        async with running_hub(store) as hub:
            routes = [*feed_routes(hub, policy), *assets.ASSET_ROUTES, *owner_link.owner_link_routes(policy)]
            streamlits = [Route(path, respond) for path in OWNER_PATHS]
            app = Guard(Starlette(routes=[*routes, *streamlits]), policy, AllowedHosts(["10.0.0.2"]))
            return await send_request_async(app, build_scope(address, headers=[own, *headers], **connection, **more))

    return asyncio.run(scenario())


async def respond(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("in")


def test_these_tests_cover_every_route_of_our_own(store: RunStore, policy: AccessPolicy) -> None:
    hub = LiveHub(store.queries)
    routes = [*feed_routes(hub, policy), *assets.ASSET_ROUTES, *owner_link.owner_link_routes(policy)]
    assert {route.path for route in routes} == {*VIEWER_ADDRESSES, owner_link.PATH}


@pytest.mark.parametrize("role", [*OWNERS, *VIEWERS])
@pytest.mark.parametrize("address", VIEWER_ADDRESSES.values())
def test_everybody_may_read_every_route_while_the_server_is_visible(
    store: RunStore, policy: AccessPolicy, address: str, role: str
) -> None:
    assert fetch(store, policy, role, address).status == 200
    policy.set_visible(False)
    assert fetch(store, policy, role, address).status == (200 if role == "here" else 403)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("address", [*VIEWER_ADDRESSES.values(), owner_link.PATH])
def test_no_route_of_our_own_accepts_a_write(store: RunStore, policy: AccessPolicy, address: str, method: str) -> None:
    assert [fetch(store, policy, role, address, method=method).status for role in VIEWERS] == [403] * len(VIEWERS)
    assert [fetch(store, policy, role, address, method=method).status for role in OWNERS] == [405] * len(OWNERS)


@pytest.mark.parametrize("address", OWNER_PATHS)
def test_owner_paths_are_refused_to_viewers(store: RunStore, policy: AccessPolicy, address: str) -> None:
    assert [fetch(store, policy, role, address).status for role in VIEWERS] == [403] * len(VIEWERS)
    assert [fetch(store, policy, role, address).status for role in OWNERS] == [200] * len(OWNERS)


@pytest.mark.parametrize("role", [*OWNERS, *VIEWERS])
def test_only_the_key_in_the_link_makes_an_owner(store: RunStore, policy: AccessPolicy, role: str) -> None:
    key = policy.key.read()
    for address in (owner_link.PATH, f"{owner_link.PATH}?key=", f"{owner_link.PATH}?key={key[:-1]}"):
        refused = fetch(store, policy, role, address)
        assert (refused.status, "set-cookie" in refused.headers) == (403, False)
    given = fetch(store, policy, role, f"{owner_link.PATH}?key={key}")
    assert given.status == 303
    assert given.headers["set-cookie"].startswith(f"{owner_cookie()}={key};")
