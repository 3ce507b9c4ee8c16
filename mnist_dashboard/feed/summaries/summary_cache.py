"""The response to `GET /runs.json`: all runs, for the table.

The table can have thousands of rows. If Streamlit carried them, every rerun of a page would send them all again. So
the browser fetches them here once, and the live feed sends changes.
"""

from __future__ import annotations

import gzip
import logging
import secrets
import threading
from collections.abc import Callable, Iterable

from mnist_core.config import SETTINGS
from mnist_core.records import Run, encode_json
from mnist_dashboard.feed.summaries.listed_run import FIELDS, list_run

HEAD = encode_json({"fields": FIELDS, "settings": list(SETTINGS)}, compact=True).encode()

_log = logging.getLogger(__name__)


class SummaryCache:
    """The encoded rows of all runs that are not in the bin. Thread-safe.

    It caches the compressed response until a run changes, so most requests cost neither a query nor compression.
    """

    def __init__(self) -> None:
        self._encoded: dict[int, bytes] = {}
        self._revisions: dict[int, int] = {}
        """Newest revision of each run, in the bin as well."""
        self._lock = threading.Lock()
        self._version = 0
        self._compressed: tuple[int, bytes] | None = None
        self._is_closed = False
        self._instance = secrets.token_hex(4)

    def fill(self, batches: Iterable[Iterable[Run]], queue: Callable[[], Iterable[Run]]) -> None:
        """Add all runs, while `update` may be called; `queue` returns the unfinished runs."""
        for batch in batches:
            if self._is_closed:
                return
            for run in batch:
                self.update(run, queue())

    def close(self) -> None:
        """End `fill` at the next opportunity."""
        self._is_closed = True

    def update(self, run: Run, queue: Iterable[Run] = ()) -> None:
        """Add a new run, replace a known one, or remove one that is in the bin; an older reading is ignored."""
        try:
            encoded = None if run.deleted_at else encode_json(list_run(run, queue), compact=True).encode()
        except ValueError:  # a number that is not finite: no browser could read the list
            _log.exception("Run %d cannot be listed.", run.id)
            encoded = None
        with self._lock:
            if run.revision < self._revisions.get(run.id, 0):
                return
            self._version += 1
            self._revisions[run.id] = run.revision
            if encoded is None:
                self._encoded.pop(run.id, None)
            else:
                self._encoded[run.id] = encoded

    def compress(self) -> tuple[str, bytes]:
        """The ETag, which changes with every update, and the gzipped JSON of all runs."""
        with self._lock:
            if self._compressed is None or self._compressed[0] != self._version:
                body = HEAD[:-1] + b',"rows":[' + b",".join(self._encoded.values()) + b"]}"
                self._compressed = self._version, gzip.compress(body, compresslevel=1, mtime=0)
            version, compressed = self._compressed
            return f'"{self._instance}-{version}"', compressed
