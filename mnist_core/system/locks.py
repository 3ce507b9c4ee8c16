"""A lock between processes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

POLL_SECONDS = 0.2


@contextlib.contextmanager
def lock_folder(folder: Path, on_wait: Callable[[], None] | None = None) -> Iterator[OSError | None]:
    """Lock `folder` for this process, and yield None; where the file system has no locks (some NFS), yield the error.

    While another process holds the lock, `on_wait` is called every `POLL_SECONDS`; it may raise to give up. The lock is
    on the folder itself, so no lock file is left behind, and it ends with the process.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield _acquire(descriptor, on_wait)
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, on_wait: Callable[[], None] | None) -> OSError | None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (fcntl.LOCK_NB if on_wait else 0))
            return None
        except BlockingIOError:
            if on_wait:
                on_wait()
            time.sleep(POLL_SECONDS)
        except OSError as error:
            return error
