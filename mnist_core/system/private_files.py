"""Folders and files that only this account can read: everything in the runs folder."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600


def create_private_folder(path: Path) -> None:
    """Create a folder, and those above it, for this account only. Close an existing folder to others if it is ours.

    Raises `OSError` if that is not possible.
    """
    for folder in reversed([path, *path.parents]):
        if not folder.exists():
            with suppress(FileExistsError):  # another process was faster
                folder.mkdir(PRIVATE_FOLDER)
    if path != Path.home() and not path.stat().st_mode & stat.S_ISVTX:  # not the home folder, and not /tmp
        make_private(path)


def make_private(*paths: Path) -> None:
    """Close folders and files to other accounts. What another account owns, or is missing, stays as it is."""
    for path in paths:
        with suppress(OSError):  # also a file system without rights
            status = path.stat()
            if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) & 0o077:
                path.chmod(stat.S_IMODE(status.st_mode) & PRIVATE_FOLDER)
