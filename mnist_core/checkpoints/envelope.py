"""The header of a checkpoint file, which shows whether the file is whole. Does not import torch.

It holds 8 bytes `MNISTCKP`, the version (uint32) and the length of the payload (uint64), both little-endian, then the
SHA-256 of everything before and after it. This detects truncation and any flipped bit. Later versions keep the layout
of the header, so that a newer file can be told from a damaged one.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

from mnist_core.errors import CheckpointError
from mnist_core.system.paths import display_path

VERSION = 1

_MAGIC = b"MNISTCKP"
_PREFIX = struct.Struct("<8sIQ")
_DIGEST_BYTES = 32


def seal(payload: bytes) -> bytes:
    """Return the content of a whole file."""
    prefix = _PREFIX.pack(_MAGIC, VERSION, len(payload))
    return prefix + _digest(prefix, payload) + payload


def unseal(path: Path, content: bytes) -> bytes:
    """Return the payload of the `content` of the file at `path`.

    Raises `CheckpointError` if the file is damaged, not a checkpoint or from a newer version.
    """
    header_bytes = _PREFIX.size + _DIGEST_BYTES
    prefix, digest, payload = content[: _PREFIX.size], content[_PREFIX.size : header_bytes], content[header_bytes:]
    if not _MAGIC.startswith(prefix[: len(_MAGIC)]):
        raise unusable(path, "is not a checkpoint")
    if len(content) < header_bytes:
        raise unusable(path, "is damaged: it ends within its header")
    _magic, version, length = _PREFIX.unpack(prefix)
    if len(payload) < length:
        raise unusable(path, f"is damaged: it holds {len(payload)} of {length} bytes")
    if digest != _digest(prefix, payload):
        raise unusable(path, "is damaged: its checksum does not match")
    if version != VERSION:
        raise CheckpointError(
            f"Checkpoint {display_path(path)} has version {version}, and this program reads {VERSION}. "
            "Update the program."
        )
    return payload


def unusable(path: Path, problem: str) -> CheckpointError:
    """The error for a file that cannot be used; `problem` completes a sentence that begins with its name."""
    return CheckpointError(
        f"Checkpoint {display_path(path)} {problem}. Choose another checkpoint, or start the run again."
    )


def _digest(prefix: bytes, payload: bytes) -> bytes:
    digest = hashlib.sha256(prefix)
    digest.update(payload)
    return digest.digest()
