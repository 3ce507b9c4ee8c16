"""Whoever listens to the live feed: each gets what concerns it, and one that comes back what it missed.

What is said is encoded once for everybody, and what a listener has not read yet reaches it in one piece: a write to a
socket is what each of them costs.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mnist_dashboard.feed.cached_run import encode_json

REPLAYED_MESSAGES = 600
"""How many messages are kept for browsers that come back: about a minute of one run."""

QUEUED_MESSAGES = 200
"""A subscriber that has not read so many is dropped; its browser comes back and gets what it missed."""


@dataclass(frozen=True, slots=True)
class Message:
    """One event, encoded. `run_id` is None if it is of interest whatever runs are watched."""

    number: int
    run_id: int | None
    body: bytes


@dataclass(eq=False)
class Subscriber:
    """One open stream."""

    run_ids: frozenset[int]
    smoothing: float
    viewer: str
    """The same for all streams of one browser."""
    admitted: Callable[[], bool]
    """Whether it may go on listening."""
    _queue: asyncio.Queue[Message | None] = field(default_factory=lambda: asyncio.Queue(QUEUED_MESSAGES))

    def wants(self, message: Message) -> bool:
        return message.run_id is None or message.run_id in self.run_ids

    def offer(self, message: Message) -> None:
        if self._queue.full():
            self.disconnect()
        else:
            self._queue.put_nowait(message)

    async def next_events(self) -> bytes | None:
        """Wait for what comes next; all that has come until then. None when it is over."""
        messages = [await self._queue.get()]
        while not self._queue.empty():
            messages.append(self._queue.get_nowait())
        return None if None in messages else b"".join(message.body for message in messages if message)

    def disconnect(self) -> None:
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)


class Broadcaster:
    """All subscribers, and what they were told lately. For the thread of the event loop, `record_action()` apart."""

    def __init__(self) -> None:
        self._subscribers: set[Subscriber] = set()
        self._recent: deque[Message] = deque(maxlen=REPLAYED_MESSAGES)
        self._number = 0
        self._instance = secrets.token_hex(4)
        self._driver: str | None = None
        self._described: dict[str, Any] = {"watching": 0, "driver": None}

    def __len__(self) -> int:
        """How many streams are open."""
        return len(self._subscribers)

    def join(self, subscriber: Subscriber) -> None:
        self._subscribers.add(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        self._subscribers.discard(subscriber)

    def watching(self, run_id: int) -> list[Subscriber]:
        """Who watches this run."""
        return [one for one in self._subscribers if run_id in one.run_ids]

    @property
    def watched_run_ids(self) -> set[int]:
        """The runs that somebody watches."""
        return {run_id for one in self._subscribers for run_id in one.run_ids}

    def record_action(self, name: str) -> None:
        """Somebody has done something; may be called from any thread."""
        self._driver = name

    def refresh(self) -> None:
        """Hang up on those who are no longer admitted; tell everybody who is watching if that has changed."""
        for subscriber in self._subscribers:
            if not subscriber.admitted():
                subscriber.disconnect()
        described = {"watching": len({one.viewer for one in self._subscribers}), "driver": self._driver}
        if described != self._described:
            self._described = described
            self.publish("audience", described)

    def description(self) -> Message:
        """Who is watching, and who acted last, for a newcomer."""
        return self.encode("audience", encode_json(self._described))

    def publish(self, event: str, data: dict[str, Any], run_id: int | None = None) -> None:
        """Tell everybody whom it concerns."""
        self._number += 1
        message = self.encode(event, encode_json(data), run_id)
        self._recent.append(message)
        for subscriber in self._subscribers:
            if subscriber.wants(message):
                subscriber.offer(message)

    def messages_since(self, last_event_id: str) -> list[Message] | None:
        """The messages after that id; None if it is not ours or too long ago."""
        instance, _, number = last_event_id.partition(":")
        if instance != self._instance or not number.isdecimal() or not self._recent:
            return None
        seen = int(number)
        if seen < self._recent[0].number - 1:
            return None
        return [message for message in self._recent if message.number > seen]

    def encode(self, event: str, data: bytes, run_id: int | None = None) -> Message:
        """An event of JSON, with the id of the latest that everybody was told."""
        head = f"id: {self._instance}:{self._number}\nevent: {event}\ndata: ".encode()
        return Message(self._number, run_id, head + data + b"\n\n")

    def close(self) -> None:
        """Hang up on everybody."""
        for subscriber in self._subscribers:
            subscriber.disconnect()
