"""All runs in memory, for views that compute over every one of them: reading 10,000 takes a second."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mnist_core.records import Run
from mnist_core.store.queries import Queries


class AllRuns:
    """The runs outside the bin, read once; later calls read only what has changed. Thread-safe.

    Runs are kept without what only a single run's page shows, at about 2 kB each.
    """

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._runs: dict[int, Run] = {}
        self._revision = 0
        self._lock = threading.Lock()

    def read_all(self) -> Iterator[list[Run]]:
        """Yield all runs whole, in batches, and keep them, so that starting the server reads them only once."""
        with self._lock:
            newest = self._queries.latest_cursor().revision
            for batch in self._queries.read_runs():
                self._keep(batch)
                yield batch
            self._revision = newest

    def list_sound_runs(self) -> list[Run]:
        """Return the runs that are not damaged, oldest first, as they are now."""
        with self._lock:
            newest = self._queries.latest_cursor().revision
            if newest != self._revision:
                for batch in self._queries.read_runs(self._revision):
                    self._keep(batch)
                self._revision = newest
            return [run for _, run in sorted(self._runs.items()) if not self._queries.damage_of(run)]

    def _keep(self, runs: Iterable[Run]) -> None:
        for run in runs:
            if run.deleted_at is None:
                self._runs[run.id] = _without_details(run)
            else:
                self._runs.pop(run.id, None)


def _without_details(run: Run) -> Run:
    progress = replace(run.progress, live_confusion=None)
    return replace(run, provenance=None, trainer=None, notes="", curve=(), progress=progress)
