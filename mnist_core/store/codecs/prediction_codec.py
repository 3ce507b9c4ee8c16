"""Packs the levels of an evaluation's probabilities (see `records.probabilities`) for the database.

10,000 images take at most 100,100 bytes. The classic network's took 41 kB untrained, 76 kB after 50 updates, when it is
sure of least, 34 kB after half an epoch and 21 kB after three. `benchmarks/training/predictions.py` prints these
figures.
"""

from __future__ import annotations

import zlib

import numpy as np


def pack(levels: np.ndarray) -> bytes:
    """Pack levels, uint8 (N, 10), image by image.

    Huffman codes alone, without a search for repetitions, which noise has none of: a fifth smaller than zlib's level 1,
    as small as its level 9, and faster than either.
    """
    compressor = zlib.compressobj(level=1, strategy=zlib.Z_HUFFMAN_ONLY)
    return compressor.compress(levels.tobytes()) + compressor.flush()


def unpack(blob: bytes, images: int) -> np.ndarray:
    """Return levels, uint8 (images, 10). Raises `ValueError` or `zlib.error` for a blob of anything else."""
    size = 10 * images
    raw = zlib.decompressobj().decompress(blob, size + 1)
    if len(raw) != size:
        raise ValueError(f"a blob does not hold the probabilities of {images:,} images")
    return np.frombuffer(raw, np.uint8).reshape(images, 10)
