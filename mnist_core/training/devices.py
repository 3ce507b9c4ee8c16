"""Devices and precisions: choose them, and check that this machine has them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from mnist_core.errors import ConfigError
from mnist_core.system.machine import has_bf16


def choose_device(name: str) -> torch.device:
    """Return the device that a config names. `auto` prefers cuda, then mps. Raises `ConfigError` if missing."""
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if available[kind]))
    if not available[name]:
        raise ConfigError("device", f"Device {name} is not available on this machine. Choose auto or cpu.")
    return torch.device(name)


def make_repeatable(device: torch.device) -> None:
    """Have CUDA repeat results to the last bit, and compute fp32 in full.

    By default cuDNN adds some gradients in any order, and rounds inputs of fp32 convolutions to the 11 bits of TF32.
    """
    if device.type == "cuda":
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]


def check_precision(name: str, device: torch.device) -> None:
    """Raise `ConfigError` when `device` has no hardware for this precision. It may emulate it, but slowly."""
    available = has_bf16() if device.type == "cpu" else device.type == "cuda" and torch.cuda.is_bf16_supported()
    if name == "bf16" and not available:
        raise ConfigError("precision", f"Precision bf16 is not available on this machine's {device}. Choose fp32.")


def widest_float(device: torch.device) -> torch.dtype:
    """Return the dtype for sums and reports: float64, or float32 on Apple's GPUs, which have no float64."""
    return torch.float32 if device.type == "mps" else torch.float64


def autocast(precision: str, device: torch.device) -> AbstractContextManager[None]:
    """Return the context for forward passes in this precision."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bf16" else nullcontext()
