"""Settings that belong together, by name. What a preset leaves out stays at its default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mnist_core.config import SETTINGS
from mnist_core.errors import ConfigError
from mnist_core.system.machine import has_bf16

DEFAULTS = "Defaults"
CUSTOM = "Custom"
"""What settings are called that are no preset: those of `TrainConfig`, and any others."""

UNTOUCHED = ("dataset", "seed", "test_batch_size", "device", "save_model")
"""Settings that no preset changes: they say on what and where to train, not how the network learns."""

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
    # Chosen on validation: 99 % on test after one epoch with every seed tried.
    "Fast 99": {
        "optimizer": "nesterov",
        "lr": 0.05,
        "momentum": 0.9,
        "weight_decay": 0.0005,
        "schedule": "one-cycle",
        "precision": "bf16" if has_bf16() else "fp32",
        "epochs": 1,
    },
}

NAMES = (DEFAULTS, *PRESETS)
"""What can be chosen."""


def find_preset(text: str) -> str:
    """The preset somebody means, in any case and with dashes for spaces; `ConfigError` if there is none."""
    for name in NAMES:
        if _normalize(text) == _normalize(name):
            return name
    raise ConfigError("preset", f"Preset must be one of {', '.join(NAMES)}, got {text!r}.")


def apply_preset(name: str, base: Mapping[str, Any]) -> dict[str, Any]:
    """All settings with those of `NAMES` called `name` put over `base`, of which only `UNTOUCHED` stays."""
    defaults = {name: setting.default for name, setting in SETTINGS.items()}
    return {**defaults, **({} if name == DEFAULTS else PRESETS[name]), **{kept: base[kept] for kept in UNTOUCHED}}


def match_preset(values: Mapping[str, Any]) -> str:
    """Which of `NAMES` these settings amount to, else `CUSTOM`. A setting without effect does not count."""
    for name in NAMES:
        if _effective(apply_preset(name, values)) == _effective(values):
            return name
    return CUSTOM


def has_effect(name: str, values: Mapping[str, Any]) -> bool:
    """Whether a setting matters beside the others: momentum with this optimizer, gamma with this schedule."""
    match name:
        case "momentum":
            return values["optimizer"] in ("sgd", "nesterov")
        case "gamma":
            return bool(values["schedule"] == "step")
    return True


def _effective(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if has_effect(name, values)}


def _normalize(name: str) -> str:
    return name.strip().casefold().replace("-", " ")
