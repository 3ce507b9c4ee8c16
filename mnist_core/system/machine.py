"""Processor cores, threads and bfloat16 support of this machine. Does not import torch."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_per_trainer(runs_at_once: int) -> int:
    """Return the threads for each of `runs_at_once` trainers: threads that share a core slow each other down.

    `OMP_NUM_THREADS` is an upper limit.
    """
    limit = os.environ.get("OMP_NUM_THREADS", "")
    share = max(1, cores() // runs_at_once)
    return min(share, int(limit)) if limit.isdecimal() and int(limit) else share


@cache
def has_bf16() -> bool:
    """Whether the processor has bfloat16 arithmetic (AVX-512 BF16, AMX or ARM's BF16), according to /proc.

    Without it, bfloat16 is emulated, several times slower than fp32.
    """
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(_cpu_flags()))


@cache
def processor_name() -> str:
    """Return the processor's name, if /proc has it."""
    match = re.search(r"^model name\s*:\s*(.+)$", _cpu_info(), re.MULTILINE)
    return match[1] if match else "unknown processor"


def _cpu_flags() -> list[str]:
    match = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", _cpu_info(), re.MULTILINE)
    return match[1].split() if match else []


@cache
def _cpu_info() -> str:
    try:
        return _CPU_INFO.read_text()
    except OSError:
        return ""
