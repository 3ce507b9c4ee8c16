"""Restores a backup, or a bare copy of the database, and keeps what was there.

Everything is first unpacked and verified in a folder of its own, so a backup that is damaged changes nothing. Then the
files of the runs take their places: they are named by the identity of their run, so they are nobody else's. The
database comes last, in one rename. If the process is killed, the runs folder has the old database or the new one,
whole in both cases, and the same command completes the rest.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnist_core.backups.contents import (
    DATABASE,
    FORMAT,
    MANIFEST,
    RUN_FOLDERS,
    VERSION,
    Report,
    copy_and_hash,
    is_owner_file,
    is_run_file,
    owner_files,
)
from mnist_core.errors import BackupError, StoreError
from mnist_core.store.database.copies import CopyContent, fold_into_one_file, read_copy
from mnist_core.store.database.sqlite_files import SUFFIXES
from mnist_core.store.run_store import DATABASE_NAME
from mnist_core.system.atomic_files import flush
from mnist_core.system.locks import lock_folder
from mnist_core.system.private_files import PRIVATE_FILE, PRIVATE_FOLDER, create_private_folder

STAGING_FOLDER = ".restoring"
"""Folder in the runs folder where a backup is unpacked."""

MAX_MANIFEST_BYTES = 100_000_000


@dataclass(frozen=True)
class Restored:
    """What was restored, and the folder with what was there before; None if there was nothing."""

    report: Report
    kept: Path | None


def restore_backup(path: Path, runs_folder: Path) -> Restored:
    """Replace the database in `runs_folder` by the one in the backup at `path`, with the files of its runs.

    Owner files are restored only if the folder has none: a session that has been ended since must stay ended. Raises
    `BackupError` if the backup is damaged, foreign or of a newer version, and `StoreError` if another process uses the
    store; nothing has changed then.
    """
    if not path.is_file():
        raise BackupError(f"There is no file {path}. Give the path of a backup.")
    try:
        create_private_folder(runs_folder)
        with lock_folder(runs_folder):  # other processes that open the store wait
            database = runs_folder / DATABASE_NAME
            if database.exists():
                fold_into_one_file(database)
            staging = runs_folder / STAGING_FOLDER
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir(PRIVATE_FOLDER)
            try:
                content = _unpack(path, staging)
                return _put_in_place(staging, runs_folder, content)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise BackupError(
            f"{path} could not be restored into {runs_folder} ({error.strerror or error}). "
            "Free some disk space, or make that folder writable, and run the same command again."
        ) from error


# ------------------------------------------------------------------ unpacking


def _unpack(path: Path, staging: Path) -> CopyContent:
    """Unpack a backup into `staging` and verify it. Raises `BackupError`."""
    try:
        if zipfile.is_zipfile(path):
            _unpack_zip(path, staging)
            return read_copy(staging / DATABASE)
        return _unpack_bare_copy(path, staging)
    except StoreError as error:
        raise BackupError(f"{path} cannot be restored. {error} Choose another backup.") from error
    except (zipfile.BadZipFile, EOFError) as error:
        raise _damaged(path, str(error)) from error


def _unpack_zip(path: Path, staging: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        hashes = _read_manifest(path, archive)
        for name, sha256 in hashes.items():
            try:
                entry = archive.getinfo(name)
            except KeyError as error:
                raise _damaged(path, f"{name} is missing") from error
            if entry.compress_type != zipfile.ZIP_STORED:
                raise _damaged(path, f"{name} is compressed, which this program never does")
            with archive.open(entry) as source:
                if _write_file(source, staging / name) != sha256:
                    raise _damaged(path, f"{name} has changed")


def _read_manifest(path: Path, archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the SHA-256 of each file in a backup by name. Raises `BackupError`."""
    foreign = BackupError(f"{path} is not a backup of this program: it has no manifest of one. Choose another file.")
    try:
        entry = archive.getinfo(MANIFEST)
    except KeyError as error:
        raise foreign from error
    try:
        manifest: Any = json.loads(archive.read(entry)) if entry.file_size <= MAX_MANIFEST_BYTES else None
        if manifest["format"] != FORMAT:
            raise foreign
        if manifest["version"] != VERSION:
            raise BackupError(
                f"{path} has version {manifest['version']} of the format, and this program reads {VERSION}. "
                "Update the program."
            )
        hashes = dict(manifest["sha256"])
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged(path, "its manifest cannot be read") from error
    for name in hashes:
        if name != DATABASE and not is_run_file(name) and not is_owner_file(name):
            raise _damaged(path, f"it holds {name!r}, which no backup does")
    if DATABASE not in hashes:
        raise _damaged(path, "it holds no database")
    return hashes


def _unpack_bare_copy(path: Path, staging: Path) -> CopyContent:
    """Unpack a copy of the database alone, with the files of its runs that are beside it."""
    for suffix in ("", "-wal"):  # the file itself stays as it is: SQLite would change it
        source = path.with_name(path.name + suffix)
        if source.exists():
            with source.open("rb") as file:
                _write_file(file, staging / f"{DATABASE}{suffix}")
    content = read_copy(staging / DATABASE)
    flush(staging / DATABASE)
    recorded: dict[str, set[str]] = {}
    for name, sha256 in content.files:
        recorded.setdefault(name, set()).add(sha256)
    for name, hashes in recorded.items():
        source = path.parent / name
        if is_run_file(name) and source.is_file() and hashes != {""}:
            with source.open("rb") as file:
                if _write_file(file, staging / name) not in hashes:
                    (staging / name).unlink()
    return content


def _write_file(source: Any, target: Path) -> str:
    """Write a new private file that is on the disk when this returns; returns the SHA-256 of its content."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        sha256 = copy_and_hash(source, file)
        file.flush()
        os.fsync(file.fileno())
    return sha256


def _damaged(path: Path, problem: str) -> BackupError:
    return BackupError(f"{path} is damaged: {problem}. Choose another backup.")


# ------------------------------------------------------------------ putting in place


def _put_in_place(staging: Path, runs_folder: Path, content: CopyContent) -> Restored:
    kept = _unused_folder(runs_folder)
    staged_files = sorted(path for path in staging.rglob("*") if path.is_file())
    size = sum(path.stat().st_size for path in staged_files)
    had_owner_files = any(owner_files(runs_folder))
    names = [path.relative_to(staging).as_posix() for path in staged_files]
    if (runs_folder / DATABASE_NAME).exists():
        _keep_run_files(runs_folder, kept)
    for staged, name in zip(staged_files, names, strict=True):
        if is_run_file(name) or (is_owner_file(name) and not had_owner_files):
            _replace_file(staged, runs_folder / name, kept / name)
    _replace_database(staging / DATABASE, runs_folder / DATABASE_NAME, kept)
    checkpoints, models = (sum(name.startswith(f"{folder}/") for name in names) for folder in RUN_FOLDERS)
    report = Report(content.runs, checkpoints, models, size, own_networks=content.own_networks)
    return Restored(report, kept if kept.exists() else None)


def _keep_run_files(runs_folder: Path, kept: Path) -> None:
    """Give all files of runs a second name in `kept`, where trainings after the restoration cannot replace them.

    Where the file system has no links, only the files that the backup replaces are kept.
    """
    for folder in RUN_FOLDERS:
        for path in sorted((runs_folder / folder).rglob("*")):
            if path.is_file() and not path.name.endswith(".tmp"):
                name = kept / path.relative_to(runs_folder)
                name.parent.mkdir(parents=True, mode=PRIVATE_FOLDER, exist_ok=True)
                with suppress(OSError):
                    name.hardlink_to(path)


def _unused_folder(runs_folder: Path) -> Path:
    name = f"before-restore-{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(path for path in map(runs_folder.joinpath, names) if not path.exists())


def _replace_file(staged: Path, target: Path, kept: Path) -> None:
    """Put a file in its place. One that is there and differs is kept."""
    if target.exists():
        with staged.open("rb") as new, target.open("rb") as old:
            if copy_and_hash(new) == copy_and_hash(old):
                return
        _keep(target, kept)
    create_private_folder(target.parent)
    staged.replace(target)
    flush(target.parent)


def _replace_database(staged: Path, target: Path, kept: Path) -> None:
    """Keep the database that is there, with its `-wal` if it is too damaged to be one file, and replace it."""
    stale = [target.with_name(target.name + suffix) for suffix in SUFFIXES if suffix]
    for path in [target, *stale]:
        if path.exists():
            _keep(path, kept / path.name)
    for path in stale:  # before the new database is there: SQLite would replay them into it
        path.unlink(missing_ok=True)
    flush(target.parent)
    staged.replace(target)
    flush(target.parent)


def _keep(path: Path, kept: Path) -> None:
    """Give a file a second name, or copy it where that is impossible; the file stays in its place."""
    if kept.exists():
        return
    kept.parent.mkdir(parents=True, mode=PRIVATE_FOLDER, exist_ok=True)
    try:
        kept.hardlink_to(path)
    except OSError:
        shutil.copy2(path, kept)
        flush(kept)
    flush(kept.parent)
