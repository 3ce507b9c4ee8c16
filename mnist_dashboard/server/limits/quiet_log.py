"""Keeps the log readable, and its file small, when the same thing goes wrong over and over."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import OrderedDict

REPEAT_SECONDS = 60.0
FAULTS_OF_BROWSERS = "Failed to deserialize component state from frontend"
"""Beginning of a message of Streamlit's, logged with a traceback though only a browser can be at fault."""
MAX_REMEMBERED = 500


class OncePerMinute(logging.Filter):
    """Lets the same message pass once a minute, and then tells how often it was left out.

    Messages are the same if they come from the same line of code.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, int, str], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        if str(record.msg).startswith(FAULTS_OF_BROWSERS):
            record.exc_info = None
        left_out = self._count(record)
        if left_out is None:
            return False
        if left_out:
            record.msg = f"{record.getMessage()} (and {left_out} times more within a minute)"
            record.args = ()
        return True

    def _count(self, record: logging.LogRecord) -> int | None:
        """Return how many messages like this were left out since the last one that passed; None to leave this out."""
        key = (record.pathname, record.lineno, _kind(record))
        now = time.monotonic()
        with self._lock:
            passed_at, left_out = self._seen.get(key, (float("-inf"), 0))
            if now - passed_at < REPEAT_SECONDS:
                self._seen[key] = passed_at, left_out + 1
                return None
            self._seen[key] = now, 0
            self._seen.move_to_end(key)
            if len(self._seen) > MAX_REMEMBERED:
                self._seen.popitem(last=False)
            return left_out


def _kind(record: logging.LogRecord) -> str:
    """What tells messages of one line of code apart: the exception, or else the text without its values."""
    error = record.exc_info[1] if record.exc_info else None
    return type(error).__name__ if error else str(record.msg)[:100]


def quieten_logs() -> None:
    """Apply the filter to all that this process logs to the terminal.

    It is on the handlers, because the filter of a logger does not see what the loggers below it log.
    """
    once_per_minute = OncePerMinute()
    loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))]
    for handler in [logging.lastResort, *(handler for logger in loggers for handler in logger.handlers)]:
        if not isinstance(handler, logging.StreamHandler) or handler.stream not in (sys.stderr, sys.stdout):
            continue
        if not any(isinstance(present, OncePerMinute) for present in handler.filters):
            handler.addFilter(once_per_minute)
