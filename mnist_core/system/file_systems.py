"""Tells disks of this machine from those on a network, where SQLite's locks and shared memory do not work."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import psutil

_MOUNTS = Path("/proc/self/mountinfo")

NETWORK_TYPES = frozenset(
    {"9p", "acfs", "afs", "afpfs", "beegfs", "ceph", "cifs", "coda", "gfs", "gfs2", "glusterfs", "gpfs", "lustre"}
    | {"ncpfs", "ncp", "nfs", "nfs4", "ocfs2", "orangefs", "pvfs2", "smb2", "smb3", "smbfs", "vboxsf", "webdav"}
)
"""Types of network file systems and of folders that a virtual machine shares with its host."""

NETWORK_FUSE_TYPES = frozenset(
    {"sshfs", "s3fs", "rclone", "gcsfuse", "glusterfs", "ceph", "ceph-fuse", "davfs", "davfs2", "smbnetfs", "curlftpfs"}
    | {"juicefs", "seaweedfs", "moosefs", "mfs", "blobfuse", "blobfuse2", "goofys", "nfs"}
)
"""The same for file systems in user space, whose types are named `fuse.…`."""


def network_file_system(path: Path) -> str:
    """Return the type of the file system with `path` if it is on a network, such as `nfs4`; else ""."""
    kind = _file_system(path)
    is_network = kind in NETWORK_TYPES or kind.removeprefix("fuse.") in NETWORK_FUSE_TYPES
    return kind if is_network else ""


def _file_system(path: Path) -> str:
    """Return the type of the file system that `path` is on, or would be on; "" if unknown."""
    resolved = path.resolve()
    kind, longest = "", -1
    for mount_point, mounted_kind in _mounts():
        if resolved.is_relative_to(mount_point) and len(mount_point.parts) >= longest:  # of two, the later one hides
            kind, longest = mounted_kind, len(mount_point.parts)
    return kind


def _mounts() -> list[tuple[Path, str]]:
    """Return mount point and type of each file system, in the order of mounting.

    https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
    """
    try:
        lines = _MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        if sys.platform == "linux":
            return []
        return [(Path(partition.mountpoint), partition.fstype) for partition in psutil.disk_partitions(all=True)]
    mounts = []
    for line in lines:
        before, _, after = line.partition(" - ")
        if after and len(before.split()) > 4:
            mounts.append((Path(_unescape(before.split()[4])), after.split()[0]))
    return mounts


def _unescape(text: str) -> str:
    """Replace the octal escapes for blanks and backslashes."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
