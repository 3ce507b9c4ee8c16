"""Checks every message of an open WebSocket: its client must still be let in, and a viewer may not flood the server.

Each message of a page makes the server run a script. A person sends one by a click or a drag; a program could send
thousands.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Send

from mnist_dashboard.server.limits.rate_limits import TokenBucket
from mnist_dashboard.server.roles.access_policy import AccessPolicy

MESSAGE_BURST, MESSAGES_PER_SECOND = 200, 20.0
"""Messages that a viewer's page may send at once, and in the long run. Dragging a slider sends the most."""

POLICY_VIOLATION = 1008
"""WebSocket close code (RFC 6455, section 7.4.1)."""


class GuardedSocket:
    """Stands between the server and the app. When it closes the WebSocket, the app sees a client that has left."""

    def __init__(
        self,
        connection: HTTPConnection,
        policy: AccessPolicy,
        receive: Receive,
        send: Send,
        *,
        on_flood: Callable[[], object],
    ) -> None:
        self._connection = connection
        self._policy = policy
        self._receive = receive
        self._send = send
        self._on_flood = on_flood
        self._messages = TokenBucket(MESSAGE_BURST, MESSAGES_PER_SECOND)
        self._closed = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "websocket.receive" and (reason := self._close_reason()):
            self._closed = True
            await self._send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": reason})
            return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
        return message

    async def send(self, message: Message) -> None:
        if not self._closed:  # the app may not know yet
            await self._send(message)

    def _close_reason(self) -> str:
        """Why the client's next message closes the WebSocket; empty if it does not."""
        headers = self._connection.headers
        if not self._policy.admits(headers):
            return "This dashboard is not shared at the moment."
        if not self._messages.try_acquire() and not self._policy.is_owner(headers, self._connection.cookies):
            self._on_flood()
            return "Too many messages."
        return ""
