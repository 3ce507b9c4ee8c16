"""Settings that belong together, by name. What a preset leaves out stays at its default."""

from __future__ import annotations

from typing import Any

CUSTOM = "Custom"

PRESETS: dict[str, dict[str, Any]] = {
    "Classic script": {"epochs": 1, "validation_fraction": 0.0},
    "PyTorch example": {
        "model": "example",
        "optimizer": "adadelta",
        "lr": 1.0,
        "schedule": "step",
        "gamma": 0.7,
        "epochs": 14,
        "validation_fraction": 0.0,
    },
    "Fast 99": {},
}
