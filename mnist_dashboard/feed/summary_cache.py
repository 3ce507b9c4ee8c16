"""The response to `GET /runs.json`: the summaries of all runs, for the table.

The table can have thousands of rows. If Streamlit carried them, every rerun of a page would send them all again. So
the browser fetches them here once, and the live feed sends changes.
"""

from __future__ import annotations

import gzip
import secrets
import threading

from mnist_core.records import encode_json
from mnist_dashboard.feed.run_summary import RunSummary


class SummaryCache:
    """The encoded summaries of all runs that are not in the bin. Thread-safe.

    It caches the compressed response until a run changes, so most requests cost neither a query nor compression.
    """

    def __init__(self) -> None:
        self._encoded: dict[int, bytes] = {}
        self._lock = threading.Lock()
        self._version = 0
        self._compressed: tuple[int, bytes] | None = None
        self._instance = secrets.token_hex(4)

    def update(self, summary: RunSummary) -> None:
        """Add a new run, replace a known one or remove a deleted one.

        Raises `ValueError` if the summary holds a number that is not finite, which no browser could read.
        """
        encoded = encode_json(summary, compact=True).encode()
        with self._lock:
            self._version += 1
            if summary["deleted"]:
                self._encoded.pop(summary["id"], None)
            else:
                self._encoded[summary["id"]] = encoded

    def compress(self) -> tuple[str, bytes]:
        """The ETag, which changes with every update, and the gzipped JSON of all runs."""
        with self._lock:
            if self._compressed is None or self._compressed[0] != self._version:
                body = b'{"runs":[' + b",".join(self._encoded.values()) + b"]}"
                self._compressed = self._version, gzip.compress(body, compresslevel=1, mtime=0)
            version, compressed = self._compressed
            return f'"{self._instance}-{version}"', compressed
