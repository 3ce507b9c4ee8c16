"""How many requests, pages and streams the guard lets viewers have, and that owners always get in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from mnist_dashboard.server.guard import Guard
from mnist_dashboard.server.hosts import AllowedHosts
from mnist_dashboard.server.limits import viewer_limits
from mnist_dashboard.server.limits.viewer_limits import BusyError, ViewerLimits
from mnist_dashboard.server.roles.access_policy import AccessPolicy
from mnist_dashboard.server.roles.proxies import TrustedProxies
from tests.support.web.asgi_client import LOOPBACK, PEER, Response, build_scope, send_request_async

LAN = "192.168.7.20"


class Site:
    """A guarded app whose responses last until `finish`."""

    def __init__(self, folder: Path) -> None:
        self._guard = Guard(self._answer, AccessPolicy(folder, trust_local=True), AllowedHosts([LAN]), TrustedProxies())
        self._finished = asyncio.Event()

    def finish(self) -> None:
        self._finished.set()

    def open(
        self, path: str, client: str = PEER, *, websocket: bool = False, method: str = "GET"
    ) -> asyncio.Task[Response]:
        host = "localhost:8501" if client == LOOPBACK else LAN
        origin = [("origin", f"http://{host}")]
        scope = build_scope(path, client=client, host=host, headers=origin, websocket=websocket, method=method)
        return asyncio.create_task(send_request_async(self._guard, scope))

    async def _answer(self, scope: Scope, _receive: Receive, send: Send) -> None:
        await self._finished.wait()
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})


def run_with_site(folder: Path, scenario: Callable[[Site], Awaitable[None]]) -> None:
    async def run() -> None:
        await scenario(Site(folder))

    asyncio.run(run())


@pytest.mark.parametrize("websocket", [True, False], ids=["pages", "streams"])
def test_a_source_has_so_many_open_and_an_owner_one_more(
    places: Path, monkeypatch: pytest.MonkeyPatch, websocket: bool
) -> None:
    monkeypatch.setattr(viewer_limits, "MAX_PAGES_PER_SOURCE", 2)
    monkeypatch.setattr(viewer_limits, "MAX_PAGES", 3)
    path = "/_stcore/stream" if websocket else "/live"

    async def scenario(site: Site) -> None:
        clients = [PEER, PEER, PEER, "10.0.0.10", "10.0.0.11", LOOPBACK]
        opened = [site.open(path, client, websocket=websocket) for client in clients]
        refused = [await opened[2], await opened[4]]
        assert [response.status for response in refused] == [503, 503]
        assert refused[0].headers["retry-after"]
        site.finish()
        for number in (0, 1, 3, 5):
            response = await opened[number]
            assert response.accepted if websocket else response.status == 200
        again = await site.open(path, websocket=websocket)
        assert again.accepted if websocket else again.status == 200

    run_with_site(places / "runs", scenario)


def test_no_page_is_opened_when_files_run_short_except_for_an_owner(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer_limits, "free_files", lambda: 1)

    async def scenario(site: Site) -> None:
        site.finish()
        assert (await site.open("/_stcore/stream", websocket=True)).status == 503
        assert (await site.open("/_stcore/stream", LOOPBACK, websocket=True)).accepted

    run_with_site(places / "runs", scenario)


def test_a_source_with_too_many_requests_is_told_when_to_come_back(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer_limits, "REQUEST_BURST", 2)
    monkeypatch.setattr(viewer_limits, "REQUESTS_PER_SECOND", 0.02)

    async def scenario(site: Site) -> None:
        site.finish()
        statuses = [(await site.open("/", client)).status for client in (PEER, PEER, PEER, "10.0.0.10", LOOPBACK)]
        assert statuses == [200, 200, 503, 200, 200]
        assert (await site.open("/")).headers["retry-after"] == "50"

    run_with_site(places / "runs", scenario)


def test_a_source_has_a_few_requests_to_the_networks_waiting_and_an_owner_any_number(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer_limits, "MAX_INFERENCES_PER_SOURCE", 2)
    monkeypatch.setattr(viewer_limits, "MAX_INFERENCES", 3)

    async def scenario(site: Site) -> None:
        clients = [PEER, PEER, PEER, "10.0.0.10", "10.0.0.11", LOOPBACK, LOOPBACK, LOOPBACK]
        opened = [site.open("/inference/read?runs=7", client, method="POST") for client in clients]
        refused = [await opened[2], await opened[4]]
        assert [response.status for response in refused] == [503, 503]
        assert refused[0].headers["retry-after"]
        site.finish()
        assert [(await opened[number]).status for number in (0, 1, 3, 5, 6, 7)] == [200] * 6
        assert (await site.open("/inference/read?runs=7", method="POST")).status == 200

    run_with_site(places / "runs", scenario)


def test_requests_to_the_networks_have_a_pace_of_their_own(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def note(seconds: float) -> None:
        waited.append(seconds)

    async def scenario() -> None:
        limits = ViewerLimits()
        monkeypatch.setattr("asyncio.sleep", note)
        for _ in range(80):
            async with limits.inference(PEER):
                pass
        assert waited[:40] == [0.0] * 40
        assert 0.9 < waited[-1] <= 1.0, "40 a second, after 40 at once"

    asyncio.run(scenario())


def test_some_requests_count_as_many() -> None:
    costs = [
        viewer_limits._cost(build_scope(path, websocket=websocket))
        for path, websocket in (
            ("/", False),
            ("/live?runs=1", False),
            ("/live?runs=1,2%2C3", False),
            ("/runs.json", False),
            ("/_stcore/stream", True),
            ("/inference/read?runs=7", False),
            ("/inference/map?run=7", False),
            ("/live?sweep=3", False),
            ("/race.json?runs=7,8", False),
            ("/sweep-analysis.json?sweep=3", False),
        )
    ]
    run_cost, stream_cost = viewer_limits.RUN_COST, viewer_limits.RUN_COST + viewer_limits.SWEEP_COST
    assert costs == [1, run_cost, 3 * run_cost, 5, viewer_limits.PAGE_COST, 0.2, 10, stream_cost, 5, 10]


def test_messages_that_no_page_sends_use_up_the_requests_of_their_source() -> None:
    limits = ViewerLimits()
    for _ in range(int(2 * viewer_limits.REQUEST_BURST / viewer_limits.FORBIDDEN_COST)):
        limits.note_forbidden_message(PEER)
    with pytest.raises(BusyError):
        asyncio.run(limits.pace_request(PEER, build_scope("/")))
    asyncio.run(limits.pace_request("10.0.0.10", build_scope("/")))
