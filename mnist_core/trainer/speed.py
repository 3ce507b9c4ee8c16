"""Estimates how long an epoch takes on this machine, from what `calibration` measured. Does not import torch.

The measurement is stored in the runs folder.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mnist_core.config import MODELS, TrainConfig
from mnist_core.records import encode_json
from mnist_core.system.atomic_files import write_atomically
from mnist_core.system.machine import cores, processor_name
from mnist_core.system.paths import runs_dir
from mnist_core.system.private_files import create_private_folder

BATCH_SIZES = (16, 256)
"""Batch sizes that are measured. In between, a step is assumed to take a fixed time plus a time per image."""

CALIBRATION_RUN_ID = 0
"""Run id that no run has. The supervisor sends it to the fork server to request the measurement."""

Speeds = dict[str, list[float]]
"""Seconds per step at each of `BATCH_SIZES`, by `speed_key`."""


def speed_key(model: str, precision: str) -> str:
    return f"{model} {precision}"


def epoch_seconds(config: TrainConfig, images: int) -> float | None:
    """Estimate the seconds to train on `images` images once with these settings; None if this was not measured."""
    measurement = _read()
    speeds: Speeds = measurement.get("step_seconds", {})
    step_seconds = speeds.get(speed_key(config.model, config.precision))
    if step_seconds is None or config.device not in ("auto", measurement["device"]):
        return None
    (small_batch, large_batch), (small_seconds, large_seconds) = BATCH_SIZES, step_seconds
    seconds_per_image = (large_seconds - small_seconds) / (large_batch - small_batch)
    estimate = max(small_seconds + seconds_per_image * (config.batch_size - small_batch), small_seconds / 2)
    return images / config.batch_size * estimate


def is_calibrated() -> bool:
    """Whether this machine was measured, with this version of torch and all networks."""
    return bool(_read())


def save_speeds(speeds: Speeds, device: str) -> None:
    """Save a measurement of this machine and this version of torch. `device` is the device type that was measured."""
    measurement = {"conditions": _conditions(), "device": device, "step_seconds": speeds}
    create_private_folder(_path().parent)
    write_atomically(_path(), encode_json(measurement, indent=1).encode())


def _read() -> dict[str, Any]:
    """Return the measurement; empty if it is missing or unreadable, or of other conditions."""
    try:
        measurement: dict[str, Any] = json.loads(_path().read_text())
        return measurement if measurement["conditions"] == _conditions() else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _path() -> Path:
    return runs_dir() / "derived" / "speed.json"


def _conditions() -> list[Any]:
    """What a measurement depends on. With a new network, all are measured again."""
    return [processor_name(), cores(), version("torch"), *MODELS]
