"""Sends events to the open streams of the live feed, and replays missed events to a browser that reconnects.

Each event is encoded once for all streams. A stream that has fallen behind gets everything it missed in one write,
because writes to a socket are what a stream costs.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mnist_core.records import encode_json

MAX_REPLAYED_MESSAGES = 600
"""Maximum number of messages kept for browsers that reconnect: about a minute of one run."""

MAX_QUEUED_MESSAGES = 200
"""A stream with this many unread messages is closed; its browser reconnects and gets what it missed."""


@dataclass(frozen=True, slots=True)
class Message:
    """One encoded event."""

    number: int
    run_id: int | None
    """The run that it is about; None if it is about no single run."""
    body: bytes
    sweep_id: int | None = None
    """The search that it is about. A message about no run and no search is for every subscriber."""


@dataclass(eq=False)
class Subscriber:
    """One open stream."""

    run_ids: frozenset[int]
    smoothing: float
    viewer_id: str
    """The same for all streams of one browser."""
    is_admitted: Callable[[], bool]
    """Whether the stream may stay open."""
    sweep_id: int | None = None
    """The search that it shows, if any."""
    _queue: asyncio.Queue[Message | None] = field(default_factory=lambda: asyncio.Queue(MAX_QUEUED_MESSAGES))

    def wants(self, message: Message) -> bool:
        if message.sweep_id is not None:
            return message.sweep_id == self.sweep_id
        return message.run_id is None or message.run_id in self.run_ids

    def offer(self, message: Message) -> None:
        """Queue a message, or disconnect if the queue is full."""
        if self._queue.full():
            self.disconnect()
        else:
            self._queue.put_nowait(message)

    async def next_chunk(self) -> bytes | None:
        """Wait for a message; return all queued ones together, or None when the stream has ended."""
        messages = [await self._queue.get()]
        while not self._queue.empty():
            messages.append(self._queue.get_nowait())
        return None if None in messages else b"".join(message.body for message in messages if message)

    def disconnect(self) -> None:
        """End the stream, without the messages that are still queued."""
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)


class Broadcaster:
    """All subscribers, and the latest messages. Use it in the event loop's thread only, except `record_action()`."""

    def __init__(self) -> None:
        self._subscribers: set[Subscriber] = set()
        self._recent: deque[Message] = deque(maxlen=MAX_REPLAYED_MESSAGES)
        self._number = 0
        self._instance = secrets.token_hex(4)
        self._driver: str | None = None
        self._audience: dict[str, Any] = {"watching": 0, "driver": None}

    def __len__(self) -> int:
        """Number of open streams."""
        return len(self._subscribers)

    def add(self, subscriber: Subscriber) -> None:
        self._subscribers.add(subscriber)

    def remove(self, subscriber: Subscriber) -> None:
        self._subscribers.discard(subscriber)

    def subscribers_of(self, run_id: int) -> list[Subscriber]:
        """The subscribers that show this run."""
        return [subscriber for subscriber in self._subscribers if run_id in subscriber.run_ids]

    @property
    def watched_run_ids(self) -> set[int]:
        """The runs that at least one subscriber shows."""
        return {run_id for subscriber in self._subscribers for run_id in subscriber.run_ids}

    @property
    def watched_sweep_ids(self) -> set[int]:
        """The searches that at least one subscriber shows."""
        return {subscriber.sweep_id for subscriber in self._subscribers if subscriber.sweep_id is not None}

    def record_action(self, user: str) -> None:
        """Remember who acted last. May be called from any thread."""
        self._driver = user

    def disconnect_refused(self) -> None:
        """Disconnect subscribers that are no longer admitted."""
        for subscriber in self._subscribers:
            if not subscriber.is_admitted():
                subscriber.disconnect()

    def publish_audience(self) -> None:
        """Publish the number of viewers and who acted last, if either has changed."""
        viewers = {subscriber.viewer_id for subscriber in self._subscribers}
        audience = {"watching": len(viewers), "driver": self._driver}
        if audience != self._audience:
            self._audience = audience
            self.publish("audience", audience)

    def audience_message(self) -> Message:
        """The latest `audience` event, for a new subscriber."""
        return self.encode("audience", self._audience)

    def publish(self, event: str, data: dict[str, Any], run_id: int | None = None) -> None:
        """Send an event to the subscribers of the run, or to all if there is no run. Raises as `encode` does."""
        self.publish_encoded(event, encode_json(data, compact=True).encode(), run_id)

    def publish_encoded(
        self, event: str, data: bytes, run_id: int | None = None, *, sweep_id: int | None = None
    ) -> None:
        """Send an event whose data is encoded already to the subscribers of its run or search, or to all."""
        self._number += 1
        message = self.wrap(event, data, run_id, sweep_id=sweep_id)
        self._recent.append(message)
        for subscriber in self._subscribers:
            if subscriber.wants(message):
                subscriber.offer(message)

    def messages_since(self, last_event_id: str) -> list[Message] | None:
        """The messages after that id; None if it is from another server, or too old."""
        instance, _, number = last_event_id.partition(":")
        if instance != self._instance or not number.isdecimal() or not self._recent:
            return None
        last_number = int(number)
        if last_number < self._recent[0].number - 1:
            return None
        return [message for message in self._recent if message.number > last_number]

    def encode(self, event: str, data: dict[str, Any], run_id: int | None = None) -> Message:
        """A server-sent event with JSON data. Its id is the number of the latest published message.

        Raises `ValueError` if `data` holds a number that is not finite, which no browser could read.
        """
        return self.wrap(event, encode_json(data, compact=True).encode(), run_id)

    def wrap(self, event: str, data: bytes, run_id: int | None = None, *, sweep_id: int | None = None) -> Message:
        """A server-sent event whose data is encoded already."""
        head = f"id: {self._instance}:{self._number}\nevent: {event}\ndata: ".encode()
        return Message(self._number, run_id, head + data + b"\n\n", sweep_id)

    def close(self) -> None:
        """Disconnect all subscribers."""
        for subscriber in self._subscribers:
            subscriber.disconnect()
