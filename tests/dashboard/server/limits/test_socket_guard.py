"""Limits on open pages: who is disconnected, and how much a page may send."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from starlette.types import Message, Receive, Scope, Send

from mnist_dashboard.server.guard import MAX_FLOODS, Guard
from mnist_dashboard.server.hosts import AllowedHosts
from mnist_dashboard.server.limits import rate_limits, socket_guard
from mnist_dashboard.server.roles.access_policy import AccessPolicy, owner_cookie
from tests.support.asgi_client import LOOPBACK, PEER, build_scope

LAN = "192.168.7.20"


@pytest.fixture
def policy(places: Path) -> AccessPolicy:
    return AccessPolicy(places / "runs")


class Page:
    """A page that opens a WebSocket for each call of `sends`, and the app that receives its messages."""

    def __init__(
        self, policy: AccessPolicy, client: str = PEER, host: str = LAN, headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        self._guard = Guard(self.listen, policy, AllowedHosts([LAN]))
        own = [("origin", f"http://{host}"), *headers]
        self._scope = build_scope("/_stcore/stream", client=client, host=host, headers=own, websocket=True)
        self._taken = 0
        self.after_each: Callable[[], object] = lambda: None
        self.closed: int | None = None
        self.refused = 0

    async def listen(self, _scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] == "websocket.receive":
            self._taken += 1
            self.after_each()
        await send({"type": "websocket.send", "bytes": b"what was on its way when the page was closed"})

    def sends(self, messages: int) -> int:
        """Send this many messages and return how many the app received."""
        self._taken, self.closed, left = 0, None, [b"click"] * messages

        async def receive() -> Message:
            if left:
                return {"type": "websocket.receive", "bytes": left.pop()}
            return {"type": "websocket.disconnect", "code": 1000}

        async def send(message: Message) -> None:
            assert self.closed is None, message
            if message["type"] == "websocket.close":
                self.closed = message["code"]
            elif message["type"] == "websocket.http.response.start":
                self.refused = message["status"]

        asyncio.run(self._guard(self._scope, receive, send))
        return self._taken


def test_an_open_page_of_a_peer_is_closed_once_the_server_is_hidden(policy: AccessPolicy) -> None:
    page = Page(policy)
    page.after_each = lambda: policy.set_visible(False)
    assert page.sends(3) == 1
    assert page.closed == 1008


def test_a_viewer_who_floods_the_server_is_disconnected(policy: AccessPolicy) -> None:
    page = Page(policy)
    assert page.sends(socket_guard.MESSAGE_BURST) == socket_guard.MESSAGE_BURST
    assert page.closed is None
    assert page.sends(10 * socket_guard.MESSAGE_BURST) < socket_guard.MESSAGE_BURST + 20
    assert page.closed == 1008


def test_a_viewer_who_floods_repeatedly_is_refused_for_a_while(policy: AccessPolicy) -> None:
    page = Page(policy)
    for _ in range(MAX_FLOODS):
        page.sends(2 * socket_guard.MESSAGE_BURST)
    assert page.sends(1) == 0
    assert page.refused == 429


def test_owners_may_send_without_limit(policy: AccessPolicy) -> None:
    here = Page(policy, LOOPBACK, "localhost:8501")
    with_key = Page(policy, headers=[("cookie", f"{owner_cookie()}={policy.key.read()}")])
    for page in (here, with_key):
        assert page.sends(5 * socket_guard.MESSAGE_BURST) == 5 * socket_guard.MESSAGE_BURST
        assert page.closed is None


def test_a_token_bucket_refills_with_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("mnist_dashboard.server.limits.rate_limits.time.monotonic", lambda: now)
    bucket = rate_limits.TokenBucket(2, 1.0)
    assert [bucket.try_acquire() for _ in range(3)] == [True, True, False]
    now = 1.0
    assert [bucket.try_acquire() for _ in range(2)] == [True, False]
    now = 100.0
    assert [bucket.try_acquire() for _ in range(3)] == [True, True, False]
