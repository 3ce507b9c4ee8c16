"""What a trainer does while another process keeps the database locked: it tries again, and never gives up its run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from mnist_core.errors import StoreLockedError

RETRY_SECONDS = 1.0
"""Time between two attempts."""

Result = TypeVar("Result")


def retry_while_locked(
    action: Callable[[], Result],
    should_end: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], None] = time.sleep,
) -> Result:
    """Repeat an action until the database is not locked, and return its result.

    Raises `StoreLockedError` if `should_end` says meanwhile that the trainer must end.
    """
    while True:
        try:
            return action()
        except StoreLockedError:
            if should_end():
                raise
        sleep(RETRY_SECONDS)
