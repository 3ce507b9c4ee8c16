"""Exports made by the server: each is stored in a folder of its own next to the database, for a day."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mnist_core.errors import ExportError
from mnist_core.exports.formats import file_name, get_format, write_file
from mnist_core.records import Run
from mnist_core.store.queries import Queries
from mnist_core.system.paths import ROOT, runs_dir
from mnist_core.system.private_files import make_private

EXPORT_RETENTION = timedelta(days=1)
"""How long a file can be downloaded; the next export after that deletes it."""

WORKER_SECONDS = 600.0
"""Maximum duration of an export by a worker."""

EXIT_REFUSED = 3
"""Exit code of a worker that has printed an error for the user on the last line of standard error."""

_log = logging.getLogger(__name__)


def export_for_server(queries: Queries, runs: Sequence[Run], name: str) -> Path:
    """Write runs into a new folder in `exports`, with a worker if that needs torch; returns the file.

    Raises `ExportError`, and leaves nothing behind, if that is not possible.
    """
    exports = runs_dir() / "exports"
    now = datetime.now(UTC)
    remove_expired_exports(exports, now)
    path = exports / f"{now:%Y-%m-%d-%H%M%S}-{secrets.token_hex(4)}" / file_name(name, runs)
    try:
        if write := get_format(name).write:
            write_file(queries, runs, write, path)
        else:
            _run_worker(runs, name, path)
        make_private(exports, path.parent, path)
    finally:
        with suppress(OSError):  # it was not created, or holds the file
            path.parent.rmdir()
    return path


def remove_expired_exports(exports: Path, now: datetime) -> None:
    """Delete everything in the folder `exports` that is older than `EXPORT_RETENTION`."""
    oldest = (now - EXPORT_RETENTION).timestamp()
    for path in exports.iterdir() if exports.exists() else ():
        try:
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError as error:
            _log.warning("The old export %s cannot be removed (%s).", path.name, error)


def _run_worker(runs: Sequence[Run], name: str, path: Path) -> None:
    """Write the file in a process of its own, which imports torch."""
    run_ids = [str(run.id) for run in runs]
    command = [sys.executable, "-m", "mnist_core.exports.export_worker", name, str(path), *run_ids]
    environment = {**os.environ, "MNIST_RUNS_DIR": str(runs_dir())}
    try:
        result = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=WORKER_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise ExportError(f"The export took more than {WORKER_SECONDS:g} s. Export fewer runs at once.") from error
    if result.returncode == EXIT_REFUSED:
        raise ExportError(result.stderr.strip().splitlines()[-1])
    if result.returncode:
        sys.stderr.write(result.stderr)
        raise ExportError(
            f"The export failed (exit code {result.returncode}); see the server's terminal for the reason."
        )
