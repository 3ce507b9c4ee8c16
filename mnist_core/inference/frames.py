"""What server and inference process send each other: frames of a JSON header and raw bytes. Does not import torch.

A frame begins with the lengths of header and body (uint32 each, little-endian). Nothing is ever unpickled.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

from mnist_core.records import encode_json

_LENGTHS = struct.Struct("<II")

Frame = tuple[dict[str, Any], bytes]
"""Header and body."""


def encode_frame(header: Mapping[str, Any], body: bytes = b"") -> bytes:
    """Return a whole frame."""
    encoded = encode_json(dict(header)).encode()
    return _LENGTHS.pack(len(encoded), len(body)) + encoded + body


def read_frame(file: BinaryIO) -> Frame | None:
    """Return the next frame, or None when the other side has closed the connection."""
    lengths = file.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    header_length, body_length = _LENGTHS.unpack(lengths)
    content = file.read(header_length + body_length)
    if len(content) < header_length + body_length:
        return None
    return json.loads(content[:header_length]), content[header_length:]


async def receive_frame(reader: asyncio.StreamReader) -> Frame:
    """Return the next frame. Raises `EOFError` when the other side has closed the connection."""
    header_length, body_length = _LENGTHS.unpack(await reader.readexactly(_LENGTHS.size))
    header = await reader.readexactly(header_length)
    return json.loads(header), await reader.readexactly(body_length)
