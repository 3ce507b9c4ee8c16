"""Limits on open pages: who is disconnected, what a page may send, and whose script runs next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.types import Message
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from mnist_dashboard.server.limits import viewer_limits
from mnist_dashboard.server.limits.page_messages import MAX_VIEWER_BYTES
from mnist_dashboard.server.limits.reruns import RERUNS_AT_ONCE
from mnist_dashboard.server.limits.socket_guard import GuardedSocket
from mnist_dashboard.server.limits.viewer_limits import ViewerLimits

HEARTBEAT = BackMsg(app_heartbeat=True).SerializeToString()
FINISHED = ForwardMsg(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY).SerializeToString()


def rerun(query: str = "", *, clicked: bool = False) -> bytes:
    message = BackMsg()
    message.rerun_script.query_string = query
    if clicked:
        message.rerun_script.widget_states.widgets.add(id="button", trigger_value=True)
    data: bytes = message.SerializeToString()
    return data


class Page:
    """A page, its guarded socket, and the app behind it, which takes messages until the socket closes."""

    def __init__(self, limits: ViewerLimits, source: str = "10.0.0.9", *, is_owner: bool = False) -> None:
        self.is_owner, self.is_admitted = is_owner, True
        self.taken: list[bytes] = []
        self.close_code = 0
        self._sent: asyncio.Queue[Message] = asyncio.Queue()
        self._socket = GuardedSocket(
            self._sent.get,
            self._browser_receives,
            source=source,
            limits=limits,
            is_admitted=lambda: self.is_admitted,
            is_owner=lambda: self.is_owner,
        )
        self.app = asyncio.create_task(self._run_app())

    async def send(self, *messages: bytes) -> None:
        for data in messages:
            self._sent.put_nowait({"type": "websocket.receive", "bytes": data})
        await settle()

    async def leave(self) -> None:
        self._sent.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await settle()

    async def finish_script(self) -> None:
        """Have the app report that the page's script has ended."""
        await self._socket.send({"type": "websocket.send", "bytes": FINISHED})
        await settle()

    async def _run_app(self) -> None:
        try:
            while (message := await self._socket.receive())["type"] == "websocket.receive":
                self.taken.append(message["bytes"])
            await self._socket.send({"type": "websocket.send", "bytes": b"\x08"})  # was on its way
        finally:
            self._socket.close()

    async def _browser_receives(self, message: Message) -> None:
        assert not self.close_code, message
        if message["type"] == "websocket.close":
            self.close_code = message["code"]


async def settle() -> None:
    """Let all tasks that can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


def in_loop(scenario: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test in an event loop."""

    def test() -> None:
        asyncio.run(scenario())

    test.__name__, test.__doc__ = scenario.__name__, scenario.__doc__
    return test


@in_loop
async def test_an_open_page_is_closed_once_the_server_is_hidden() -> None:
    page = Page(ViewerLimits())
    await page.send(HEARTBEAT)
    page.is_admitted = False
    await page.send(HEARTBEAT, HEARTBEAT)
    assert (len(page.taken), page.close_code) == (1, 1008)


@in_loop
async def test_a_message_that_viewers_may_not_send_closes_the_page() -> None:
    for data, code in (
        (BackMsg(load_git_info=True).SerializeToString(), 1008),
        (b"\xff\xff", 1002),
        (rerun("x" * MAX_VIEWER_BYTES), 1009),
    ):
        page = Page(ViewerLimits())
        await page.send(data)
        assert (page.taken, page.close_code, page.app.done()) == ([], code, True)


@in_loop
async def test_a_source_that_sends_too_many_messages_is_disconnected_with_all_its_pages() -> None:
    limits = ViewerLimits()
    page, other_page, neighbour = Page(limits), Page(limits), Page(limits, "10.0.0.10")
    await page.send(*[HEARTBEAT] * viewer_limits.MESSAGE_BURST)
    await page.send(HEARTBEAT)
    await other_page.send(HEARTBEAT)
    await neighbour.send(HEARTBEAT)
    assert len(page.taken) < viewer_limits.MESSAGE_BURST + 5
    assert (page.close_code, other_page.close_code, neighbour.close_code) == (1008, 1008, 0)


@in_loop
async def test_owners_may_send_without_limit() -> None:
    limits = ViewerLimits()
    page = Page(limits, is_owner=True)
    await page.send(*[rerun()] * 2 * viewer_limits.MESSAGE_BURST)
    await settle()
    assert (len(page.taken), page.close_code) == (2 * viewer_limits.MESSAGE_BURST, 0)


@in_loop
async def test_viewers_wait_for_their_turn_and_owners_do_not() -> None:
    limits = ViewerLimits()
    pages = [Page(limits, f"10.0.0.{number}") for number in range(RERUNS_AT_ONCE + 1)]
    for page in pages:
        await page.send(rerun())
    owner = Page(limits, is_owner=True)
    await owner.send(rerun())
    assert [len(page.taken) for page in pages] == [1] * RERUNS_AT_ONCE + [0]
    assert len(owner.taken) == 1
    await pages[0].finish_script()
    assert len(pages[-1].taken) == 1


@in_loop
async def test_a_page_that_leaves_gives_its_turn_back() -> None:
    limits = ViewerLimits()
    pages = [Page(limits, f"10.0.0.{number}") for number in range(RERUNS_AT_ONCE + 1)]
    for page in pages:
        await page.send(rerun())
    await pages[0].leave()
    assert len(pages[-1].taken) == 1


@in_loop
async def test_only_the_latest_rerun_of_a_page_waits() -> None:
    limits = ViewerLimits()
    busy = [Page(limits, f"10.0.1.{number}") for number in range(RERUNS_AT_ONCE)]
    for page in busy:
        await page.send(rerun())
    page = Page(limits)
    await page.send(rerun("1"), rerun("2"), rerun("3"))
    await busy[0].finish_script()
    assert page.taken == [rerun("3")]


@in_loop
async def test_a_click_is_not_lost_while_it_waits() -> None:
    limits = ViewerLimits()
    busy = [Page(limits, f"10.0.1.{number}") for number in range(RERUNS_AT_ONCE)]
    for page in busy:
        await page.send(rerun())
    page = Page(limits)
    await page.send(rerun("1"), rerun("2", clicked=True), HEARTBEAT, rerun("3"))
    await busy[0].finish_script()
    assert page.taken == [rerun("2", clicked=True), HEARTBEAT, rerun("3")]


@in_loop
async def test_a_waiting_page_that_leaves_or_is_refused_leaves_the_queue() -> None:
    limits = ViewerLimits()
    busy = [Page(limits, f"10.0.1.{number}") for number in range(RERUNS_AT_ONCE)]
    for page in busy:
        await page.send(rerun())
    leaving, refused, last = (Page(limits, f"10.0.2.{number}") for number in range(3))
    for page in (leaving, refused, last):
        await page.send(rerun())
    await leaving.leave()
    await refused.send(b"\xff\xff")
    assert (leaving.app.done(), refused.close_code) == (True, 1002)
    await busy[0].finish_script()
    assert (leaving.taken, refused.taken, last.taken) == ([], [], [rerun()])


@in_loop
async def test_a_script_that_never_ends_does_not_keep_its_turn() -> None:
    limits = ViewerLimits()
    pages = [Page(limits, f"10.0.0.{number}") for number in range(RERUNS_AT_ONCE + 1)]
    for page in pages:
        await page.send(rerun())
    for page in pages[:1]:
        assert page._socket._turn_ends
        page._socket._end_turn()  # what the timer does
    await settle()
    assert len(pages[-1].taken) == 1
    await pages[0].finish_script()  # gives nothing back twice
    await pages[0].send(rerun())
    assert len(pages[0].taken) == 1
