"""Purges runs that have been in the bin for `BIN_RETENTION`, with their files."""

from __future__ import annotations

import logging
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mnist_core.checkpoints.index import checkpoints_dir
from mnist_core.store import RunStore
from mnist_core.system.paths import model_path

BIN_RETENTION = timedelta(days=30)
"""Time during which a deleted run can be restored."""

_log = logging.getLogger(__name__)


def run_files(run_id: int) -> list[Path]:
    """Return the files and folders of a run outside the database that exist."""
    return [path for path in (checkpoints_dir(run_id), model_path(run_id)) if path.exists()]


def purge_expired_runs(store: RunStore, now: datetime | None = None) -> list[int]:
    """Delete the runs that were moved to the bin more than `BIN_RETENTION` ago. Returns their ids.

    Files are deleted first. If that fails or is cut short, the run stays in the bin until the next purge.
    """
    deadline = (now or datetime.now(UTC)) - BIN_RETENTION
    expired = [
        run.id
        for run in store.queries.list_deleted_runs()
        if run.deleted_at and run.deleted_at < deadline and not run.status.is_active
    ]
    purged = [run_id for run_id in expired if _remove_files(run_id)]
    store.commands.purge_runs(purged)
    return purged


def _remove_files(run_id: int) -> bool:
    try:
        for path in run_files(run_id):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError as error:
        _log.warning("The files of deleted run %d cannot be removed (%s). It stays in the bin.", run_id, error)
        return False
    return True
