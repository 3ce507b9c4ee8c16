"""What this machine offers a trainer: cores, and arithmetic in bfloat16. Asked without importing torch."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_per_trainer(runs_at_once: int) -> int:
    """Threads for each of `runs_at_once` trainers: those that share a core slow each other down.

    `OMP_NUM_THREADS`, the usual way to hold a program down, limits them further.
    """
    limit = os.environ.get("OMP_NUM_THREADS", "")
    share = max(1, cores() // runs_at_once)
    return min(share, int(limit)) if limit.isdecimal() and int(limit) else share


@cache
def has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 itself (AVX-512 BF16, AMX or ARM's BF16), where /proc says so.

    Others only imitate it, several times slower than fp32.
    """
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(_cpu_flags()))


@cache
def processor_name() -> str:
    """The processor's name, as far as the system tells."""
    found = re.search(r"^model name\s*:\s*(.+)$", _cpu_info(), re.MULTILINE)
    return found[1] if found else "unknown processor"


def _cpu_flags() -> list[str]:
    found = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", _cpu_info(), re.MULTILINE)
    return found[1].split() if found else []


@cache
def _cpu_info() -> str:
    try:
        return _CPU_INFO.read_text()
    except OSError:
        return ""
