"""Purges runs that have been in the bin for `BIN_RETENTION`, with their files."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mnist_core.checkpoints.index import checkpoints_dir
from mnist_core.checkpoints.ownership import is_own_file
from mnist_core.errors import DamagedRunError
from mnist_core.records import Run
from mnist_core.store import RunStore
from mnist_core.store.queries import Queries
from mnist_core.system.atomic_files import remove_leftovers
from mnist_core.system.paths import display_path, runs_dir

BIN_RETENTION = timedelta(days=30)
"""Time during which a deleted run can be restored."""

LONGEST_GAP = timedelta(days=3)
"""The most time between two purges that counts: after a clock has jumped ahead, a run still has 27 days."""

_log = logging.getLogger(__name__)


def purge_expired_runs(store: RunStore, now: datetime | None = None) -> list[int]:
    """Delete the runs that were moved to the bin more than `BIN_RETENTION` ago. Returns their ids.

    The clock may be wrong, so each call adds the time since the last one to the age of the runs, at most `LONGEST_GAP`.
    On a machine that is used less often, the bin keeps runs for longer.
    Files are deleted first, but only those that are what the run saved. If that fails or is cut short, the run stays in
    the bin until the next purge.
    """
    now = now or datetime.now(UTC)
    ages = store.commands.age_bin(now.timestamp(), LONGEST_GAP.total_seconds())
    expired = [
        run
        for run in store.queries.list_deleted_runs()
        if run.deleted_at
        and run.deleted_at < now - BIN_RETENTION
        and ages.get(run.id, 0.0) > BIN_RETENTION.total_seconds()
        and not run.status.is_active
    ]
    purged = [run.id for run in expired if _remove_files(store.queries, run)]
    store.commands.purge_runs(purged)
    return purged


def _remove_files(queries: Queries, run: Run) -> bool:
    folder = checkpoints_dir(run)
    try:
        paths = {runs_dir() / file.path for file in queries.list_files(run.id)}
        remove_leftovers(folder)
        for path in sorted(filter(Path.exists, paths), reverse=True):  # models before the checkpoints that prove them
            if is_own_file(queries, run, path):
                path.unlink()
            else:
                _log.warning("%s is not what deleted run %s saved there. It is kept.", display_path(path), run.name)
        for emptied in {folder, *(path.parent for path in paths if path.parent.name.startswith("run-"))}:
            with suppress(OSError):  # it does not exist, or holds files of other runs
                emptied.rmdir()
    except DamagedRunError:  # no file can be told to be its own, so all are kept
        return True
    except OSError as error:
        _log.warning("The files of deleted run %d cannot be removed (%s). It stays in the bin.", run.id, error)
        return False
    return True
