"""How long an epoch takes on this machine: what `calibration` measured, kept in the runs folder. Without torch."""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mnist_core.config import TrainConfig
from mnist_core.system.machine import cores, processor_name
from mnist_core.system.paths import runs_dir

BATCH_SIZES = (16, 256)
"""Measured at these; in between, a step costs something fixed and something for each image."""

CALIBRATION_RUN_ID = 0
"""Under this id, which no run has, a supervisor asks its trainer host for the measurement."""

Speeds = dict[str, list[float]]
"""Seconds a step takes at each of `BATCH_SIZES`, by `speed_key`."""


def speed_key(model: str, precision: str) -> str:
    return f"{model} {precision}"


def epoch_seconds(config: TrainConfig, images: int) -> float | None:
    """About how long training on `images` once takes with these settings; None if it was not measured here."""
    measured = _read()
    speeds: Speeds = measured.get("step_seconds", {})
    at = speeds.get(speed_key(config.model, config.precision))
    if at is None or config.device not in ("auto", measured["device"]):
        return None
    small, large = BATCH_SIZES
    per_image = (at[1] - at[0]) / (large - small)
    step = max(at[0] + per_image * (config.batch_size - small), at[0] / 2)
    return images / config.batch_size * step


def is_calibrated() -> bool:
    return bool(_read())


def save_speeds(speeds: Speeds, device: str) -> None:
    """Keep what was measured, for this machine and this version of torch."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps({"machine": _machine(), "device": device, "step_seconds": speeds}, indent=1))
    temporary.replace(path)


def _read() -> dict[str, Any]:
    """What was measured; empty if nothing was, on another machine, or if the file cannot be read."""
    try:
        measured: dict[str, Any] = json.loads(_path().read_text())
        return measured if measured["machine"] == _machine() else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _path() -> Path:
    return runs_dir() / "derived" / "speed.json"


def _machine() -> list[Any]:
    return [processor_name(), cores(), version("torch")]
