"""Makes the C library keep freed memory, instead of returning it to the system and fetching it again every step."""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameter numbers from glibc's <malloc.h>; see mallopt(3)."""

MMAP_BYTES = 32 << 20
"""Smaller blocks come from the heap: activations do, the dataset does not. 32 MB is glibc's maximum."""

TRIM_BYTES = 512 << 20
"""The heap shrinks only when more than this is free at its top."""


def keep_freed_memory() -> None:
    """Speed up a trainer: glibc maps large blocks anew each time, and the page faults take 10 to 40 % of a step.

    glibc reads the equivalent environment variables when a program starts, too early for a forked trainer. Other C
    libraries have no `mallopt`, or ignore it.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, MMAP_BYTES)
        mallopt(M_TRIM_THRESHOLD, TRIM_BYTES)
