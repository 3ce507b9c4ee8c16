"""Which learning rates are safe, risky or diverging with other settings as they are, and where that is kept.

`range_test` finds the zones. The runs folder remembers them by the settings that they belong to, so that every page and
terminal shows them without another test. Does not import torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mnist_core import presets
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.data import idx
from mnist_core.data.local import downloaded_folder
from mnist_core.data.sources import SOURCES
from mnist_core.records import encode_json
from mnist_core.system.atomic_files import write_atomically
from mnist_core.system.paths import data_dir, runs_dir
from mnist_core.system.private_files import create_private_folder

ZONE_SETTINGS = (
    "batch_size",
    "momentum",
    "model",
    "optimizer",
    "weight_decay",
    "label_smoothing",
    "augmentation",
    "max_shift",
    "precision",
    "dataset",
)
"""The settings that zones belong to. The others change neither network nor updates in the first hundred batches."""

RANGE_TEST_RUN_ID = -2
"""Run id that no run has. The supervisor sends it to the fork server to request a range test."""

SAFE, RISKY, DIVERGES = "safe", "risky", "diverges"

MAX_REMEMBERED = 50

METHOD = 2
"""Number of the method. Zones found by another one are forgotten."""


@dataclass(frozen=True, kw_only=True)
class RateZones:
    """What a range test found for some settings, or why it found nothing."""

    settings: Mapping[str, Any]
    """Those of `ZONE_SETTINGS` that have an effect."""
    safe_up_to: float | None = None
    """Highest rate that learns steadily; None if no rate in the range does."""
    diverges_above: float | None = None
    """Rate above which the loss leaves the range of guessing; None if no rate in the range does that."""
    suggested: float | None = None
    rates: Sequence[float] = ()
    """The rate of each batch of the test, ascending."""
    losses: Sequence[float | None] = field(default=(), repr=False)
    """The smoothed loss after each batch, nats."""
    seconds: float = 0.0
    problem: str = ""
    """A sentence on why there are no zones; else empty."""

    def zone(self, lr: float) -> str:
        """Return the zone of a rate: `SAFE`, `RISKY` or `DIVERGES`."""
        if self.diverges_above is not None and lr > self.diverges_above:
            return DIVERGES
        return SAFE if self.safe_up_to is not None and lr <= self.safe_up_to else RISKY

    def describe(self, lr: float) -> str:
        """Say in which zone a rate is, and where that begins or ends: `Safe up to 0.1`."""
        zone = self.zone(lr)
        if zone == SAFE:
            return f"Safe up to {self.safe_up_to:g}"
        edge = self.diverges_above if zone == DIVERGES else self.safe_up_to
        word = "Diverges" if zone == DIVERGES else "Risky"
        return f"{word} above {edge:g}" if edge is not None else word

    def describe_all(self) -> str:
        """Say all zones in a sentence: `Safe up to 0.1, risky up to 0.3, diverges above.`"""
        parts = [f"Safe up to {self.safe_up_to:g}"] if self.safe_up_to is not None else []
        if self.safe_up_to is None or self.safe_up_to < SETTINGS["lr"].high:
            end = SETTINGS["lr"].high if self.diverges_above is None else self.diverges_above
            parts.append(f"{'risky' if parts else 'Risky'} up to {end:g}")
        if self.diverges_above is not None:
            parts.append("diverges above")
        return f"{', '.join(parts)}."


def zone_settings(config: TrainConfig) -> dict[str, Any]:
    """Return the settings that the zones of a config belong to: those that have an effect.

    The dataset `auto` is named as what it is now: zones of MNIST-5k are not those of MNIST once that is downloaded.
    """
    values = asdict(config)
    if config.dataset == "auto":
        has_mnist = idx.has_dataset(downloaded_folder(SOURCES["mnist"], data_dir()))
        values["dataset"] = "mnist" if has_mnist else "mnist-5k"
    return {name: values[name] for name in ZONE_SETTINGS if presets.has_effect(name, values)}


# ---------------------------------------------------------------------- what the runs folder remembers


def find_zones_of(config: TrainConfig) -> RateZones | None:
    """Return what the last test of these settings found; None if they were not tested."""
    settings = zone_settings(config)
    return next((zones for zones in reversed(_read()) if zones.settings == settings), None)


def find_nearest_zones(config: TrainConfig) -> tuple[RateZones, dict[str, Any]] | None:
    """Return the zones of the most similar settings with the same network that were tested, and what differs.

    The second part has the settings as they were tested. None if the network was never tested.
    """
    settings = zone_settings(config)
    nearest: tuple[RateZones, dict[str, Any]] | None = None
    for zones in reversed(_read()):  # of equally similar ones, the newest
        differing = {name: value for name, value in zones.settings.items() if settings.get(name) != value}
        is_same_network = zones.settings.get("model") == config.model
        if is_same_network and not zones.problem and (nearest is None or len(differing) < len(nearest[1])):
            nearest = zones, differing
    return nearest


def save_zones(zones: RateZones) -> None:
    """Remember what a test found. Two processes may write at once; then one result is lost."""
    others = [kept for kept in _read() if kept.settings != zones.settings]
    kept = [asdict(entry) for entry in [*others, zones][-MAX_REMEMBERED:]]
    create_private_folder(_path().parent)
    write_atomically(_path(), encode_json({"method": METHOD, "zones": kept}).encode())


def _read() -> list[RateZones]:
    """Return all that is remembered, oldest first; nothing if the file is missing, unreadable or of another method."""
    try:
        saved = json.loads(_path().read_text())
        return [RateZones(**values) for values in saved["zones"]] if saved["method"] == METHOD else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _path() -> Path:
    return runs_dir() / "derived" / "rate_zones.json"
