"""Chooses the run that the Train page shows."""

from __future__ import annotations

from collections.abc import Sequence

from mnist_core.records import Run
from mnist_dashboard import services
from mnist_dashboard.ui import run_address


def find_run_to_show(unfinished: Sequence[Run]) -> Run | None:
    """Return the run in the address, else the run in progress or first in the queue, else the latest run.

    A damaged run is only returned if it is in the address, or if there is no other.
    """
    if run := run_address.find_run():
        return run
    queries = services.current().queries
    if run := next((run for run in unfinished if not run.damage), None):
        return run
    latest = queries.latest_run()
    return next(reversed(queries.list_sound_runs()), latest) if latest and latest.damage else latest


def other_run_in_progress(run: Run, unfinished: Sequence[Run]) -> Run | None:
    """Return the run in progress if it is not `run`."""
    return next((other for other in unfinished if other.status.is_active and other.id != run.id), None)
