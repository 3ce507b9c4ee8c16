"""Named combinations of settings. A preset sets every setting: those it does not list get their default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mnist_core.config import NOT_TUNED, SETTINGS
from mnist_core.errors import ConfigError
from mnist_core.system.machine import has_bf16

DEFAULTS = "Defaults"
CUSTOM = "Custom"
"""Names for settings without a preset: the defaults of `TrainConfig`, and all other combinations."""

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
    # Chosen on validation accuracy; reaches about 99 % on test after one epoch (see the figures in the README).
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
"""Names that users can choose."""


def find_preset(text: str) -> str:
    """Return the name that `text` means, in any case and with dashes for spaces. Raises `ConfigError` if none."""
    for name in NAMES:
        if _normalize(text) == _normalize(name):
            return name
    raise ConfigError("preset", f"Preset must be one of {', '.join(NAMES)}, got {text!r}.")


def apply_preset(name: str, base: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings of the preset `name`, with those in `NOT_TUNED` taken from `base`."""
    defaults = {name: setting.default for name, setting in SETTINGS.items()}
    preset = {} if name == DEFAULTS else PRESETS[name]
    return defaults | preset | {name: base[name] for name in NOT_TUNED}


def match_preset(values: Mapping[str, Any]) -> str:
    """Return the preset that these settings equal, else `CUSTOM`. Settings without effect are ignored."""
    for name in NAMES:
        if _effective(apply_preset(name, values)) == _effective(values):
            return name
    return CUSTOM


def has_effect(name: str, values: Mapping[str, Any]) -> bool:
    """Whether a setting has an effect, given the others: momentum needs SGD, gamma the step schedule."""
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
