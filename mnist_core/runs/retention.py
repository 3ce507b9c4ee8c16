"""The end of the bin: runs that have been in it for long are gone for good, and their files with them."""

from __future__ import annotations

import logging
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mnist_core.checkpoints.index import checkpoints_dir
from mnist_core.store import RunStore
from mnist_core.system.paths import model_path

BIN_RETENTION = timedelta(days=30)
"""How long a deleted run can be restored."""

_log = logging.getLogger(__name__)


def run_files(run_id: int) -> list[Path]:
    """The files and folders that a run has left beside the database, if they are there."""
    return [path for path in (checkpoints_dir(run_id), model_path(run_id)) if path.exists()]


def purge_expired_runs(store: RunStore, now: datetime | None = None) -> list[int]:
    """Delete what has been in the bin for longer than `BIN_RETENTION`; returns the numbers of those runs.

    Files go first: if this is cut short, the run is still in the bin, and the rest is done the next time.
    """
    before = (now or datetime.now(UTC)) - BIN_RETENTION
    expired = [
        run.id
        for run in store.queries.list_deleted_runs()
        if run.deleted_at and run.deleted_at < before and not run.status.is_active
    ]
    gone = [run_id for run_id in expired if _remove_files(run_id)]
    store.commands.purge_runs(gone)
    return gone


def _remove_files(run_id: int) -> bool:
    try:
        for path in run_files(run_id):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError as error:
        _log.warning("The files of run %d, long deleted, cannot be removed (%s). It stays in the bin.", run_id, error)
        return False
    return True
