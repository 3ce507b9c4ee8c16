"""Files that appear complete or not at all, even if the process is killed or the power fails."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mnist_core.records import ProcessIdentity
from mnist_core.system.private_files import PRIVATE_FILE
from mnist_core.system.processes import is_alive, is_gone, own_identity

ABANDONED_SECONDS = 86_400.0
"""Age at which a temporary file is a leftover, although nobody here can see whether its process has ended."""


@contextlib.contextmanager
def atomic_path(path: Path, confirm: Callable[[], object] = lambda: None, *, overwrite: bool = True) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; the file written there then replaces `path`.

    The file is on the disk when the block ends. `confirm` is called just before it is renamed. If the block, the disk
    or `confirm` raises, `path` stays as it was and the temporary file is removed. Without `overwrite`, it raises
    `FileExistsError` if there is a file at `path` in the end.
    """
    temporary = path.with_name(_temporary_name(own_identity()))
    try:
        yield temporary
        flush(temporary)
        confirm()
        if overwrite:
            temporary.replace(path)
        else:
            _rename_to_unused(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    flush(path.parent)


@contextlib.contextmanager
def temporary_path(folder: Path) -> Iterator[Path]:
    """Yield a path in `folder` for a file that is removed when the block ends."""
    temporary = folder / _temporary_name(own_identity())
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes | memoryview, *, confirm: Callable[[], object] = lambda: None) -> None:
    """Write `content` through `atomic_path`. Only this account may read the file."""
    with atomic_path(path, confirm) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of processes that were killed; those of living processes may be in use.

    Those of processes that cannot be seen from here, such as in another container, go after `ABANDONED_SECONDS`.
    """
    for temporary in folder.glob("*.tmp"):
        with contextlib.suppress(ValueError, FileNotFoundError):  # not named by `atomic_path`, or gone by now
            process = _parse_temporary_name(temporary.name)
            is_old = time.time() - temporary.stat().st_mtime > ABANDONED_SECONDS
            if is_gone(process) or (is_old and not is_alive(process)):
                temporary.unlink()


def _temporary_name(process: ProcessIdentity) -> str:
    place = f"{process.boot_id}.{process.host}.{process.pid_namespace}"
    return f".{secrets.token_hex(4)}.{process.pid}.{process.start_ticks}.{place}.tmp"


def _parse_temporary_name(name: str) -> ProcessIdentity:
    """Return the process that wrote a temporary file. Raises `ValueError` for other names."""
    try:
        _name, pid, start_ticks, boot_id, host, pid_namespace, _tmp = name.rsplit(".", 6)
        return ProcessIdentity(int(pid), int(start_ticks), boot_id, host, pid_namespace)
    except ValueError:  # of a version before hosts and namespaces were recorded
        _name, pid, start_ticks, boot_id, _tmp = name.rsplit(".", 4)
        return ProcessIdentity(int(pid), int(start_ticks), boot_id)


def is_disk_full(error: OSError) -> bool:
    """Whether writing failed because the disk or quota is full, or the file is larger than allowed."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _rename_to_unused(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError as error:  # a file system without links
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        temporary.rename(path)


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot flush a folder
            raise
    finally:
        os.close(descriptor)
