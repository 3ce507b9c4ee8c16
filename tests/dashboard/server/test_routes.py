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

from mnist_core.config import TrainConfig
from mnist_core.records import Run
from mnist_core.store import RunStore
from mnist_core.sweeps.space import Values
from mnist_core.sweeps.spec import SweepSpec
from mnist_dashboard.feed.hub import LiveHub
from mnist_dashboard.feed.routes import feed_routes
from mnist_dashboard.inspection.routes import inspection_routes
from mnist_dashboard.server import assets
from mnist_dashboard.server.guard import OWNER_PATHS, Guard
from mnist_dashboard.server.hosts import AllowedHosts
from mnist_dashboard.server.roles import sign_in as signing_in
from mnist_dashboard.server.roles.access_policy import AccessPolicy
from mnist_dashboard.server.roles.client_location import LOCAL, LOCATION_HEADER
from mnist_dashboard.server.roles.proxies import TrustedProxies
from tests.support.factories import finished_run, run_with_images
from tests.support.web.asgi_client import PEER, Response, build_scope, send_request_async
from tests.support.web.feed_reader import running_hub
from tests.support.web.signing_in import session_cookie, sign_in

LAN = "10.0.0.2:8501"
VIEWER_ADDRESSES = {
    "/live": "/live?runs=1",
    signing_in.PATH: signing_in.PATH,
    "/runs.json": "/runs.json",
    "/assets/{version}/{name:path}": assets.asset_url("components/lib/dom.js"),
    "/evaluations.json": "/evaluations.json?run=1",
    "/predictions.bin": "/predictions.bin?run=1&evaluation=1",
    "/labels.bin": "/labels.bin?run=1&split=test",
    "/images.png": "/images.png?run=1&split=validation&images=1,2",
    "/image_history.json": "/image_history.json?run=1&split=test&image=1",
    "/calibration.json": "/calibration.json?run=1&evaluation=2",
    "/norms.json": "/norms.json?run=1",
    "/race.json": "/race.json?runs=3,4",
    "/sweep-analysis.json": "/sweep-analysis.json?sweep=1",
    "/disagreement.json": "/disagreement.json?run=1&with=2",
}
"""Addresses that viewers may read, by route."""

HERE = ("here", "signed in")
OWNERS = ("signed in", "signed in elsewhere")
VIEWERS = ("here", "peer", "with a wrong token", "with a forged header")


@pytest.fixture
def policy(places: Path) -> AccessPolicy:
    return AccessPolicy(places / "runs")


@pytest.fixture(autouse=True)
def run(store: RunStore, places: Path) -> Run:
    """The first of two runs, with the images that the routes respond with."""
    finished = run_with_images(store, places / "data")
    finished_run(store, TrainConfig(lr=0.1), provenance=finished.provenance)
    store.commands.create_race([TrainConfig(), TrainConfig(lr=0.1)])
    store.sweeps.create_sweep(SweepSpec(parameters=(Values("batch_size", (32, 64)),), trials=1).to_json())
    return finished


def own_routes(store: RunStore, hub: LiveHub, policy: AccessPolicy) -> list[Route]:
    predictions = inspection_routes(store.queries, store.sweeps)
    return [*feed_routes(hub, policy), *predictions, *assets.ASSET_ROUTES, *signing_in.sign_in_routes(policy)]


def fetch(store: RunStore, policy: AccessPolicy, role: str, address: str, body: bytes = b"", **more: Any) -> Response:
    """Return the response of the server, composed as in `app.py`, to a request in this role."""
    headers = {
        "signed in": [session_cookie(sign_in(policy))],
        "signed in elsewhere": [session_cookie(sign_in(policy))],
        "with a wrong token": [session_cookie("wrong")],
        "with a forged header": [(LOCATION_HEADER, LOCAL)],
    }.get(role, [])
    connection: dict[str, Any] = {} if role in HERE else {"client": PEER, "host": LAN}
    own = ("origin", f"http://{connection.get('host', 'localhost:8501')}")

    async def scenario() -> Response:
        async with running_hub(store) as hub:
            routes = own_routes(store, hub, policy)
            streamlits = [Route(path, respond) for path in OWNER_PATHS]
            app = Guard(Starlette(routes=[*routes, *streamlits]), policy, AllowedHosts(["10.0.0.2"]), TrustedProxies())
            return await send_request_async(
                app, build_scope(address, headers=[own, *headers], **connection, **more), body
            )

    return asyncio.run(scenario())


async def respond(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("in")


def test_these_tests_cover_every_route_of_our_own(store: RunStore, policy: AccessPolicy) -> None:
    routes = own_routes(store, LiveHub(store), policy)
    assert {route.path for route in routes} == set(VIEWER_ADDRESSES)


@pytest.mark.parametrize("role", [*OWNERS, *VIEWERS])
@pytest.mark.parametrize("address", VIEWER_ADDRESSES.values())
def test_everybody_may_read_every_route_while_the_server_is_visible(
    store: RunStore, policy: AccessPolicy, address: str, role: str
) -> None:
    assert fetch(store, policy, role, address).status == 200
    policy.set_visible(False)
    assert fetch(store, policy, role, address).status == (200 if role in HERE else 403)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("address", [address for path, address in VIEWER_ADDRESSES.items() if path != signing_in.PATH])
def test_no_route_of_our_own_accepts_a_write(store: RunStore, policy: AccessPolicy, address: str, method: str) -> None:
    assert [fetch(store, policy, role, address, method=method).status for role in VIEWERS] == [403] * len(VIEWERS)
    assert [fetch(store, policy, role, address, method=method).status for role in OWNERS] == [405] * len(OWNERS)


@pytest.mark.parametrize("address", OWNER_PATHS)
def test_owner_paths_are_refused_to_viewers(store: RunStore, policy: AccessPolicy, address: str) -> None:
    assert [fetch(store, policy, role, address).status for role in VIEWERS] == [403] * len(VIEWERS)
    assert [fetch(store, policy, role, address).status for role in OWNERS] == [200] * len(OWNERS)


@pytest.mark.parametrize("role", ["here", "peer", "with a wrong token"])
def test_only_a_code_signs_in_and_only_once(store: RunStore, policy: AccessPolicy, role: str) -> None:
    def send(code: str) -> Response:
        return fetch(store, policy, role, signing_in.PATH, method="POST", body=f"code={code}".encode())

    code = policy.sessions.create_code(60)
    for wrong in ("", code[:-1], f"{code}x"):
        refused = send(wrong)
        assert (refused.status, "set-cookie" in refused.headers) == (403, False)
    assert fetch(store, policy, role, f"{signing_in.PATH}?code={code}").status == 200  # the page uses up no code
    assert send(code).status == 204
    assert send(code).status == 403
