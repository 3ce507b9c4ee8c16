"""Exports made by the server: each is stored in a folder of its own next to the database, for a day.

The name of that folder is a secret, so knowing it is the right to download the file.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import subprocess
import sys
import threading
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

EXPORTS_AT_ONCE = 2
MAX_EXPORTS_BYTES = 8_000_000_000
"""Maximum size of all stored exports; the next export deletes the oldest beyond it."""
FOLDER_NAME_BYTES = 16

WORKER_SECONDS = 600.0
"""Maximum duration of an export by a worker."""

EXIT_REFUSED = 3
"""Exit code of a worker that has printed an error for the user on the last line of standard error."""

_turns = threading.BoundedSemaphore(EXPORTS_AT_ONCE)
_log = logging.getLogger(__name__)


def export_for_server(queries: Queries, runs: Sequence[Run], name: str, exports: Path | None = None) -> Path:
    """Write runs into a new folder in `exports`, with a worker if that needs torch; returns the file.

    Without `exports`, that is the folder of the same name in the runs folder.

    Raises `ExportError`, and leaves nothing behind, if that is not possible or too many exports are being written.
    """
    if not _turns.acquire(blocking=False):
        raise ExportError(f"{EXPORTS_AT_ONCE} other exports are being written. Try again when they are done.")
    try:
        return _export(queries, runs, name, exports or exports_dir())
    finally:
        _turns.release()


def _export(queries: Queries, runs: Sequence[Run], name: str, exports: Path) -> Path:
    now = datetime.now(UTC)
    remove_old_exports(exports, now)
    folder = f"{now:%Y-%m-%d-%H%M%S}-{secrets.token_hex(FOLDER_NAME_BYTES)}"
    path = exports / folder / file_name(name, runs)
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


def exports_dir() -> Path:
    """Return the folder of all stored exports."""
    return runs_dir() / "exports"


def remove_old_exports(exports: Path, now: datetime) -> None:
    """Delete exports older than `EXPORT_RETENTION`, and the oldest of the others beyond `MAX_EXPORTS_BYTES`."""
    total = 0
    for modified_at, path in sorted(map(_modified, exports.iterdir() if exports.exists() else ()), reverse=True):
        total += sum(file.stat().st_size for file in [path, *path.rglob("*")] if file.is_file())
        if modified_at < (now - EXPORT_RETENTION).timestamp() or total > MAX_EXPORTS_BYTES:
            try:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            except OSError as error:
                _log.warning("The old export %s cannot be removed (%s).", path.name, error)


def _modified(path: Path) -> tuple[float, Path]:
    return path.stat().st_mtime, path


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
