"""Stands between an open WebSocket of a page and the app.

Every message must be one that its sender may send. A viewer's messages are counted together with those of all sockets
of the same source. His reruns wait for their turn, and only the latest one waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.types import Message, Receive, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from mnist_dashboard.server.limits.page_messages import (
    POLICY_VIOLATION,
    ForbiddenMessageError,
    is_rerun,
    parse_page_message,
    supersedes,
)
from mnist_dashboard.server.limits.viewer_limits import ViewerLimits

TURN_SECONDS = 20.0
"""A script that takes longer does not keep others waiting any more."""

_MAX_FINISHED_BYTES = 512
"""Longer messages to the browser do not report the end of a script."""


class GuardedSocket:
    """One socket. When it closes the WebSocket, the app sees a client that has left."""

    def __init__(
        self,
        receive: Receive,
        send: Send,
        *,
        source: str,
        is_admitted: Callable[[], bool],
        is_owner: Callable[[], bool],
        limits: ViewerLimits,
    ) -> None:
        self._receive = receive
        self._send = send
        self._source = source
        self._is_admitted = is_admitted
        self._is_owner = is_owner
        self._limits = limits
        self._closed = False
        self._next: asyncio.Task[tuple[Message, BackMsg | None]] | None = None
        """The message being read while an earlier one waits for its turn."""
        self._turn_ends: asyncio.TimerHandle | None = None
        """Set while a script of this socket has its turn."""

    async def receive(self) -> Message:
        message, content = await self._read_next()
        while content and is_rerun(content) and self._turn_ends is None and not self._is_owner():
            newer = await self._wait_for_turn(content)
            if newer is None:
                break
            message, content = newer
        return message

    async def send(self, message: Message) -> None:
        if self._turn_ends and _ends_script(message):
            self._end_turn()
        if not self._closed:  # the app may not know yet
            await self._send(message)

    def close(self) -> None:
        """Give back the turn, and stop reading; call it when the app has ended."""
        if self._next:
            self._next.cancel()
        if self._turn_ends:
            self._end_turn()

    async def _wait_for_turn(self, rerun: BackMsg) -> tuple[Message, BackMsg | None] | None:
        """Wait until `rerun` has its turn. Returns the message that takes its place, if one comes before that."""
        turn = asyncio.ensure_future(self._limits.reruns.acquire(self._source))
        self._next = self._next or asyncio.ensure_future(self._read())
        try:
            await asyncio.wait({turn, self._next}, return_when=asyncio.FIRST_COMPLETED)
            if self._next.done() and not turn.done():
                message, content = self._next.result()
                if content is None or supersedes(content, rerun):
                    self._next = None
                    return message, content
                await asyncio.wait({turn})
            self._turn_ends = asyncio.get_running_loop().call_later(TURN_SECONDS, self._end_turn)
            return None
        finally:
            if self._turn_ends is None and not turn.cancel():
                self._limits.reruns.release()  # it came just when it was not wanted any more

    def _end_turn(self) -> None:
        assert self._turn_ends
        self._turn_ends.cancel()
        self._turn_ends = None
        self._limits.reruns.release()

    async def _read_next(self) -> tuple[Message, BackMsg | None]:
        if self._next is None:
            return await self._read()
        reading, self._next = self._next, None
        return await reading

    async def _read(self) -> tuple[Message, BackMsg | None]:
        """Read a message and check it; one that is not allowed closes the socket."""
        message = await self._receive()
        if message["type"] != "websocket.receive":
            return message, None
        try:
            return message, self._check(message)
        except ForbiddenMessageError as error:
            self._closed = True
            if not self._is_owner():
                self._limits.note_forbidden_message(self._source)
            await self._send({"type": "websocket.close", "code": error.code, "reason": str(error)})
            return {"type": "websocket.disconnect", "code": error.code}, None

    def _check(self, message: Message) -> BackMsg:
        if not self._is_admitted():
            raise ForbiddenMessageError(POLICY_VIOLATION, "This dashboard is not shared at the moment.")
        is_owner = self._is_owner()
        if not is_owner:
            self._limits.messages.use(self._source)
            if self._limits.messages.wait_seconds(self._source):
                raise ForbiddenMessageError(POLICY_VIOLATION, "Too many messages. Wait a minute.")
        return parse_page_message(message.get("bytes"), is_owner=is_owner)


def _ends_script(message: Message) -> bool:
    """Whether a message to the browser says that the page's script has ended."""
    data = message.get("bytes")
    if not data or len(data) > _MAX_FINISHED_BYTES:
        return False
    return bool(ForwardMsg.FromString(data).WhichOneof("type") == "script_finished")
