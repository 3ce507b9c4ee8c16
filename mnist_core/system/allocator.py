"""Has the C library keep freed memory, instead of giving it back to the system and fetching it again every step."""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of glibc's <malloc.h>; see mallopt(3)."""

MMAP_BYTES = 32 << 20
"""Blocks below this come from the heap: the largest activations do, the dataset does not. 32 MB is glibc's maximum."""

TRIM_BYTES = 512 << 20
"""The heap shrinks only when more than this lies free at its top."""


def keep_freed_memory() -> None:
    """For a process that trains: glibc maps large blocks afresh each time; the page faults cost 10 to 40 % of a step.

    The environment variables of the same effect are read when a program starts, too early for a forked trainer. Other C
    libraries have no `mallopt`, or ignore it.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, MMAP_BYTES)
        mallopt(M_TRIM_THRESHOLD, TRIM_BYTES)
