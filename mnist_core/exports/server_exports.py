"""Exports that a server makes: each in a folder of its own beside the database, for a day."""

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

EXPORT_RETENTION = timedelta(days=1)
"""How long a file is there for those who did not download it; the next export after that removes it."""

WORKER_SECONDS = 600.0
EXIT_REFUSED = 3
"""The exit code of a worker that has said, in the last line of standard error, what a person can mend."""

_log = logging.getLogger(__name__)


def export_for_server(queries: Queries, runs: Sequence[Run], name: str) -> Path:
    """Write runs into a new folder in `exports`, with a worker if it takes torch; returns the file.

    Raises `ExportError` when that is not possible, and leaves nothing behind.
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
    finally:
        with suppress(OSError):  # it is not there, or has the file in it
            path.parent.rmdir()
    return path


def remove_expired_exports(exports: Path, now: datetime) -> None:
    """Remove what has been in the folder `exports` for longer than `EXPORT_RETENTION`."""
    before = (now - EXPORT_RETENTION).timestamp()
    for found in exports.iterdir() if exports.exists() else ():
        try:
            if found.stat().st_mtime < before:
                shutil.rmtree(found) if found.is_dir() else found.unlink()
        except OSError as error:
            _log.warning("The old export %s cannot be removed (%s).", found.name, error)


def _run_worker(runs: Sequence[Run], name: str, path: Path) -> None:
    """Have a process of its own write what takes torch."""
    numbers = [str(run.id) for run in runs]
    command = [sys.executable, "-m", "mnist_core.exports.export_worker", name, str(path), *numbers]
    environment = {**os.environ, "MNIST_RUNS_DIR": str(runs_dir())}
    try:
        ended = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=WORKER_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise ExportError(f"The export took more than {WORKER_SECONDS:g} s. Export fewer runs at once.") from error
    if ended.returncode == EXIT_REFUSED:
        raise ExportError(ended.stderr.strip().splitlines()[-1])
    if ended.returncode:
        sys.stderr.write(ended.stderr)
        raise ExportError(f"The export failed (exit code {ended.returncode}); the terminal says why.")
