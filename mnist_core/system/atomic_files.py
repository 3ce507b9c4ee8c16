"""Files that appear complete or not at all, even if the process is killed or the power fails."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from mnist_core.records import ProcessIdentity
from mnist_core.system.processes import is_alive, own_identity


@contextlib.contextmanager
def atomic_path(path: Path, confirm: Callable[[], object] = lambda: None) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; the file written there then replaces `path`.

    The file is on the disk when the block ends. `confirm` is called just before it is renamed. If the block, the disk
    or `confirm` raises, `path` stays as it was and the temporary file is removed.
    """
    own = own_identity()
    temporary = path.with_name(f".{secrets.token_hex(4)}.{own.pid}.{own.start_ticks}.{own.boot_id}.tmp")
    try:
        yield temporary
        _flush(temporary)
        confirm()
        temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    _flush(path.parent)


def write_atomically(
    path: Path, content: bytes | memoryview, *, is_private: bool = False, confirm: Callable[[], object] = lambda: None
) -> None:
    """Write `content` through `atomic_path`; with `is_private` only this account may read the file."""
    with atomic_path(path, confirm) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if is_private else 0o666)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of processes that were killed; those of living processes may be in use."""
    for temporary in folder.glob("*.tmp"):
        with contextlib.suppress(ValueError):  # not named by `atomic_path`
            _name, pid, start_ticks, boot_id, _tmp = temporary.name.rsplit(".", 4)
            if not is_alive(ProcessIdentity(int(pid), int(start_ticks), boot_id)):
                temporary.unlink(missing_ok=True)


def is_disk_full(error: OSError) -> bool:
    """Whether writing failed because the disk or quota is full, or the file is larger than allowed."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def _flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot flush a folder
            raise
    finally:
        os.close(descriptor)
