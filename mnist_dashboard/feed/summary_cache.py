"""All runs at once, for the table of runs: `GET /runs.json`.

The table holds thousands of rows, which would be shipped anew with every rerun of a page if Streamlit carried them. So
the browser fetches them here, once, and the live feed tells it of changes. The summaries are kept encoded, and the
compressed whole until one of them changes, so that an answer costs neither a look into the database nor memory.
"""

from __future__ import annotations

import gzip
import json
import secrets
import threading
from collections.abc import Iterable
from typing import Any


class SummaryCache:
    """The encoded summaries of all runs that are not in the bin. Safe to use from several threads."""

    def __init__(self) -> None:
        self._encoded: dict[int, bytes] = {}
        self._lock = threading.Lock()
        self._version = 0
        self._packed: tuple[int, bytes] | None = None
        self._instance = secrets.token_hex(4)

    def update(self, summaries: Iterable[dict[str, Any]]) -> None:
        """Add runs, replace those that are known, leave out deleted ones."""
        with self._lock:
            for summary in summaries:
                self._version += 1
                if summary["deleted"]:
                    self._encoded.pop(summary["id"], None)
                else:
                    text = json.dumps(summary, separators=(",", ":"), allow_nan=False)
                    self._encoded[summary["id"]] = text.encode()

    def pack(self) -> tuple[str, bytes]:
        """A tag that is the same as long as nothing has changed, and the JSON of all runs, compressed."""
        with self._lock:
            if self._packed is None or self._packed[0] != self._version:
                body = b'{"runs":[' + b",".join(self._encoded.values()) + b"]}"
                self._packed = self._version, gzip.compress(body, compresslevel=1, mtime=0)
            version, packed = self._packed
            return f'"{self._instance}-{version}"', packed
