"""The listening socket of a server that must not run out of files.

asyncio accepts up to 2,048 connections before it looks at one of them. When files run out meanwhile, it tries, logs and
sets a timer another 2,048 times, and again for each of these timers, so that it does nothing else from then on.
"""

from __future__ import annotations

import resource
import socket
import sys
from collections.abc import Callable
from typing import Any

SPARE_FILES = 64
"""Files that connections leave for the store, exports, new trainers, and the owner."""

UNTOUCHED_FILES = 16
"""Of these, files that not even a connection takes that is refused with an answer."""


def file_limit() -> int:
    """Return how many files this process may have open at once."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def is_last_file(number: int, spare: int) -> bool:
    """Whether a file that was just opened is one of the last `spare`.

    The system gives each new file the lowest number that is free. So all lower numbers are in use.
    """
    return number >= file_limit() - spare


class Listener(socket.socket):
    """Closes a new connection at once when files run out. It takes them from the system's queue all the same."""

    make_room: Callable[[], object]
    """Called then, so that one of the next connections finds room."""

    def accept(self) -> tuple[socket.socket, Any]:
        connection, address = super().accept()
        if is_last_file(connection.fileno(), UNTOUCHED_FILES):
            connection.close()
            self.make_room()
            raise BlockingIOError("no more files")  # asyncio takes a pause and comes back
        return connection, address
