"""Where a network is trained, and in which precision."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from mnist_core.errors import ConfigError
from mnist_core.system.machine import has_bf16


def choose_device(name: str) -> torch.device:
    """The device a config means. Raises `ConfigError` when this machine does not have it."""
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if available[kind]))
    if not available[name]:
        raise ConfigError("device", f"Device {name} is not available on this machine. Choose auto or cpu.")
    return torch.device(name)


def check_precision(name: str, device: torch.device) -> None:
    """Raises `ConfigError` when `device` has no arithmetic of that precision, or only imitates it slowly."""
    available = has_bf16() if device.type == "cpu" else device.type == "cuda" and torch.cuda.is_bf16_supported()
    if name == "bf16" and not available:
        raise ConfigError("precision", f"Precision bf16 is not available on this machine's {device}. Choose fp32.")


def widest_float(device: torch.device) -> torch.dtype:
    """The dtype to sum and report in: float64, which Apple's GPUs do not have."""
    return torch.float32 if device.type == "mps" else torch.float64


def autocast(precision: str, device: torch.device) -> AbstractContextManager[None]:
    """What a forward pass of that precision runs in; it can be entered again and again."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()
