"""Writes a backup, also while runs train. Nothing is overwritten, and the file is whole or not there."""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from mnist_core import __version__
from mnist_core.backups.contents import DATABASE, FORMAT, MANIFEST, VERSION, Report, copy_and_hash, is_run_file
from mnist_core.backups.contents import owner_files as list_owner_files
from mnist_core.errors import BackupError, StoreError
from mnist_core.records import encode_json
from mnist_core.store import RunStore
from mnist_core.store.database.copies import BACKUPS_FOLDER, CopyContent, read_copy, remember_backup
from mnist_core.system.atomic_files import atomic_path, remove_leftovers, temporary_path
from mnist_core.system.private_files import PRIVATE_FILE

EARLIEST_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def default_path(runs_folder: Path) -> Path:
    """Return the path of a backup without a name of its own: in the runs folder, named by the time in UTC."""
    return runs_folder / BACKUPS_FOLDER / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}.zip"


def write_backup(store: RunStore, runs_folder: Path, path: Path) -> Report:
    """Write a backup of everything in `runs_folder` to `path` and return what it holds.

    The database is copied as it is at one instant. The files of runs in progress are opened before that: whatever
    their trainers replace meanwhile can still be read. Raises `BackupError` if the file exists or cannot be written.
    """
    if path.exists():
        raise _exists(path)
    try:
        if path.parent == runs_folder / BACKUPS_FOLDER:
            path.parent.mkdir(mode=0o700, exist_ok=True)
        remove_leftovers(path.parent)
        with (
            contextlib.ExitStack() as opened,
            atomic_path(path, overwrite=False) as temporary,
            temporary_path(path.parent) as database,
        ):
            files = _open_files_in_progress(store, runs_folder, opened)
            store.copy_to(database)
            content = read_copy(database)
            report = _write_zip(temporary, database, content, runs_folder, files)
    except FileExistsError as error:
        raise _exists(path) from error
    except (OSError, StoreError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BackupError(
            f"The backup {path} could not be written ({reason}). "
            "Choose a name in a folder that exists, can be written and has enough room."
        ) from error
    remember_backup(runs_folder, path)
    return report


def _exists(path: Path) -> BackupError:
    return BackupError(f"{path} exists already, and a backup overwrites nothing. Choose another name, or move it away.")


def _open_files_in_progress(store: RunStore, runs_folder: Path, opened: contextlib.ExitStack) -> dict[str, BinaryIO]:
    """Open the files of the runs that are training, by name."""
    files: dict[str, BinaryIO] = {}
    for run in store.queries.list_unfinished_runs():
        for file in store.queries.list_files(run.id):
            with contextlib.suppress(OSError):  # replaced meanwhile
                files[file.path] = opened.enter_context((runs_folder / file.path).open("rb"))
    return files


def _write_zip(
    path: Path, database: Path, content: CopyContent, runs_folder: Path, opened: Mapping[str, BinaryIO]
) -> Report:
    hashes: dict[str, str] = {}
    recorded: dict[str, set[str]] = {}
    for name, sha256 in content.files:
        recorded.setdefault(name, set()).add(sha256)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)  # it holds the sessions of owners
    with os.fdopen(descriptor, "wb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_STORED) as archive:
        with database.open("rb") as source:
            hashes[DATABASE] = _add(archive, DATABASE, source)
        for name in filter(is_run_file, recorded):
            with _reopened(opened.get(name), runs_folder / name) as source:
                if source and _has_content(source, recorded[name]):
                    hashes[name] = _add(archive, name, source)
        run_files = len(hashes) - 1
        for name in list_owner_files(runs_folder):
            with _reopened(None, runs_folder / name) as source:
                if source:
                    hashes[name] = _add(archive, name, source)
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "program": __version__,
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "runs": content.runs,
            "sha256": hashes,
        }
        archive.writestr(_entry(MANIFEST), encode_json(manifest, indent=1))
    models = sum(name.startswith("models/") for name in hashes)
    # Runs replace their checkpoints: one of them is enough.
    missing = {_group(name) for name in recorded} - {_group(name) for name in hashes}
    return Report(content.runs, run_files - models, models, path.stat().st_size, len(missing))


def _group(name: str) -> str:
    """Return the group of a file: the checkpoints of one run, or a model by itself."""
    return name.rpartition("/")[0] if name.startswith("checkpoints/") else name


@contextlib.contextmanager
def _reopened(opened: BinaryIO | None, path: Path) -> Iterator[BinaryIO | None]:
    """Yield the open file, else the file at `path`; None if there is none or it is not a regular file."""
    if opened:
        yield opened
        return
    try:
        file = path.open("rb") if path.is_file() else None
    except OSError:
        file = None
    try:
        yield file
    finally:
        if file:
            file.close()


def _has_content(source: BinaryIO, hashes: set[str]) -> bool:
    """Whether a file has a recorded content; older versions recorded none."""
    if hashes == {""}:
        return True
    sha256 = copy_and_hash(source)
    source.seek(0)
    return sha256 in hashes


def _add(archive: zipfile.ZipFile, name: str, source: BinaryIO) -> str:
    """Add a file to the archive and return its SHA-256."""
    with archive.open(_entry(name), "w", force_zip64=True) as target:
        return copy_and_hash(source, target)


def _entry(name: str) -> zipfile.ZipInfo:
    now = datetime.now(UTC).timetuple()[:6]
    entry = zipfile.ZipInfo(name, max(now, EARLIEST_ZIP_TIME))
    entry.external_attr = 0o600 << 16
    return entry
