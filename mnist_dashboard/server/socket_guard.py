"""What holds for a WebSocket once it is open: its peer is still let in, and whoever only watches does not flood it.

Every message of a page has the server run a script, for which a person has to click or drag; a program does not.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Send

from mnist_dashboard.server.access_policy import Sharing
from mnist_dashboard.server.rate_limits import TokenBucket

BURST, PER_SECOND = 200, 20.0
"""Messages from a page. A slider dragged without a pause sends the most."""

POLICY_VIOLATION = 1008


class GuardedSocket:
    """Stands between the server and the app. When it closes, the app sees a peer that has left."""

    def __init__(
        self, connection: HTTPConnection, sharing: Sharing, receive: Receive, send: Send, flooded: Callable[[], object]
    ) -> None:
        self._connection = connection
        self._sharing = sharing
        self._receive = receive
        self._send = send
        self._flooded = flooded
        self._messages = TokenBucket(BURST, PER_SECOND)
        self._closed = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.receive" and (objection := self._close_reason()):
            self._closed = True
            await self._send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": objection})
            return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
        return message

    async def send(self, message: Message) -> None:
        if not self._closed:  # the app may not know yet
            await self._send(message)

    def _close_reason(self) -> str:
        """Why the peer's next message is not taken; empty if it is."""
        headers = self._connection.headers
        if not self._sharing.admits(headers):
            return "This dashboard is not shared at the moment."
        if not self._messages.try_acquire() and not self._sharing.is_owner(headers, self._connection.cookies):
            self._flooded()
            return "Too many messages."
        return ""
