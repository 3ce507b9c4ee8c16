"""Named combinations of settings. A preset sets every setting: those it does not list get their default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mnist_core.config import NOT_TUNED, SETTINGS, choice_label
from mnist_core.errors import ConfigError
from mnist_core.setting import Setting

DEFAULTS = "Defaults"
CUSTOM = "Custom"
"""Names for settings without a preset: the defaults of `TrainConfig`, and all other combinations."""

# Chosen on validation accuracy. The figures in the README say how often the presets reach their names on test.
_FAST_99: dict[str, Any] = {
    "model": "compact",
    "batch_size": 128,
    "optimizer": "nesterov",
    "lr": 0.3,
    "momentum": 0.9,
    "weight_decay": 0.0005,
    "label_smoothing": 0.1,
    "schedule": "one-cycle",
    "epochs": 1,
}

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
    "Fast 99": _FAST_99,
    "Fast 99.5": _FAST_99 | {"augmentation": "shift", "max_shift": 1, "epochs": 5},
}

DESCRIPTIONS = {
    DEFAULTS: "The classic script for three epochs, with a validation split.",
    "Classic script": "What the classic PyTorch script does: about 97 % on test.",
    "PyTorch example": "PyTorch's current example, with dropout. Takes long.",
    "Fast 99": "99.2 % of MNIST's test images, in a few seconds.",
    "Fast 99.5": "99.5 % of MNIST's test images on average.",
    CUSTOM: "Your own settings.",
}
"""What each choice is good for. `benchmarks/training/time_to_accuracy.py` prints the accuracies; the README has the
seeds."""

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


def describe_preset(name: str) -> str:
    """Return what a choice is good for, and which settings it changes to what."""
    changes = describe_settings(PRESETS.get(name, {}))
    return f"{DESCRIPTIONS[name]} Sets {changes}." if changes else DESCRIPTIONS[name]


def describe_changes(name: str, values: Mapping[str, Any]) -> str:
    """Return which of these settings differ from a preset, and how: `Defaults, but epochs 5.`"""
    original = apply_preset(name, values)
    return f"{name}, but {describe_settings({key: value for key, value in values.items() if value != original[key]})}."


def describe_settings(values: Mapping[str, Any]) -> str:
    """Return settings in the order of the table, with the words of the page: `learning rate 0.3, epochs 5`."""
    return ", ".join(_describe_setting(SETTINGS[name], values[name]) for name in SETTINGS if name in values)


def changed_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that differ from their defaults and have an effect."""
    return {
        name: value for name, value in values.items() if value != SETTINGS[name].default and has_effect(name, values)
    }


def match_preset(values: Mapping[str, Any]) -> str:
    """Return the preset that these settings equal, else `CUSTOM`. Settings without effect are ignored."""
    for name in NAMES:
        if _effective(apply_preset(name, values)) == _effective(values):
            return name
    return CUSTOM


def has_effect(name: str, values: Mapping[str, Any]) -> bool:
    """Whether a setting has an effect, given the others: momentum needs SGD, gamma the step schedule, and
    what early stopping watches a patience."""
    match name:
        case "momentum":
            return values["optimizer"] in ("sgd", "nesterov")
        case "gamma":
            return bool(values["schedule"] == "step")
        case "monitor" | "min_delta":
            return bool(values["patience"] > 0)
    return True


def _effective(values: Mapping[str, Any]) -> dict[str, Any]:
    effective = {name: value for name, value in values.items() if has_effect(name, values)}
    if values["validation_fraction"] == 0 and values["last_batch"] == "keep":
        effective["last_batch"] = "auto"  # which keeps it then, too
    return effective


def _describe_setting(setting: Setting, value: Any) -> str:
    label = setting.sentence_label
    if setting.kind is bool:
        return label if value else f"no {label}"
    if setting.choices:
        word = choice_label(setting.name, value).partition(" (")[0]
        # The other choices explain themselves.
        return (
            f"{label} {word}"
            if setting.name in ("dataset", "schedule", "device", "last_batch", "augmentation", "monitor")
            else word
        )
    return f"{label} {value:g}" if isinstance(value, float) else f"{label} {value}"


def _normalize(name: str) -> str:
    return name.strip().casefold().replace("-", " ")
