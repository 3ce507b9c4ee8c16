"""Processor cores, threads and bfloat16 support of this machine. Does not import torch."""

from __future__ import annotations

import contextlib
import math
import os
import re
from functools import cache
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")


def cores(root: Path = Path("/")) -> int:
    """Return the number of processor cores that this process may use: in a container often fewer than the host has."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.floor(min(allowed, _cpu_quota(root))))


def _cpu_quota(root: Path) -> float:
    """Return the cores whose time the control groups of this process may use; infinite without a limit.

    Each group above sets a limit, too. Versions 1 and 2 keep it in files of different names.
    https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
    https://docs.kernel.org/scheduler/sched-bwc.html
    """
    quotas = [math.inf]
    with contextlib.suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            mounts = [root / "sys/fs/cgroup" / name for name in (controllers, "cpu" if "cpu" in controllers else "")]
            for mount in {mount for mount in mounts if not controllers or "cpu" in controllers.split(",")}:
                folder = mount / group.lstrip("/")
                quotas += [_group_quota(parent) for parent in (folder, *folder.parents) if parent.is_relative_to(mount)]
    return min(quotas)


def _group_quota(folder: Path) -> float:
    with contextlib.suppress(OSError, ValueError):
        quota, period = (folder / "cpu.max").read_text().split()
        return math.inf if quota == "max" else int(quota) / int(period)
    with contextlib.suppress(OSError, ValueError):
        quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return math.inf if int(quota) <= 0 else int(quota) / int(period)
    return math.inf


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
