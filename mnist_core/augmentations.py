"""Which augmentation goes with a random shift, and which shift with an augmentation."""

from collections.abc import Mapping
from typing import Any

from mnist_core.errors import ConfigError

USUAL_SHIFT = 2
"""Pixels that images move when somebody chooses an augmentation but no shift. At 1, runs on MNIST do best on its test
images; digits that people draw are centred less well."""


def augmentation_with(max_shift: int, augmentation: str) -> str:
    """Return the augmentation of a run with this shift: none does not shift, and shift moves something.

    So settings with a shift alone, as they were before `augmentation`, keep their meaning.
    """
    if augmentation == "affine":
        return augmentation
    return "shift" if max_shift else "none"


def shift_with(augmentation: str, max_shift: int) -> int:
    """Return the shift that goes with an augmentation somebody has chosen; `max_shift` is the shift before that."""
    return 0 if augmentation == "none" else max_shift or USUAL_SHIFT


def fit_augmentation(given: Mapping[str, Any], shift_before: int) -> dict[str, Any]:
    """Return these settings with the shift that goes with an augmentation that is given without one.

    Raises `ConfigError` if a shift is given, too, and does not go with it.
    """
    if "augmentation" not in given:
        return dict(given)
    augmentation = given["augmentation"]
    max_shift = given.get("max_shift", shift_with(augmentation, shift_before))
    if augmentation_with(max_shift, augmentation) != augmentation:
        expected = "0" if augmentation == "none" else "above 0"
        raise ConfigError(
            "max_shift", f"Random shift must be {expected} with augmentation {augmentation}, got {max_shift}."
        )
    return {**given, "max_shift": max_shift}
