"""The command `range-test`: which learning rates are safe, risky or diverging with the given settings."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from mnist_core.cli.command_setup import Subparsers, add_command
from mnist_core.cli.train_command import add_settings, read_settings
from mnist_core.config import SETTINGS
from mnist_core.records import encode_json
from mnist_core.store import RunStore
from mnist_core.sweeps.rate_zones import ZONE_SETTINGS, RateZones
from mnist_core.system.paths import runs_dir

BARS = 12
"""Rows of the printed curve."""

BAR_WIDTH = 40


def add_range_test_command(subparsers: Subparsers) -> None:
    """Add `range-test` to `subparsers`."""
    parser = add_command(
        subparsers, "range-test", "find within seconds which learning rates are safe with these settings", _range_test
    )
    without_effect = SETTINGS.keys() - {*ZONE_SETTINGS, "validation_fraction", "device"}
    add_settings(parser, without=without_effect)
    parser.add_argument("--json", action="store_true", help="print zones and curve as a JSON object")


def _range_test(options: argparse.Namespace) -> int:
    store = RunStore.open(runs_dir())
    config = read_settings(options, store)
    print("Training on about 120 batches at rising learning rates.", file=sys.stderr)
    from mnist_core.sweeps.range_test import find_and_save  # imports torch, which takes seconds

    zones = find_and_save(config, store)
    print(encode_json(asdict(zones), indent=1) if options.json else _describe(zones))
    return 0


def _describe(zones: RateZones) -> str:
    lines = [*_curve(zones), "", zones.describe_all()]
    if zones.suggested is not None:
        lines.append(f"Suggested: {zones.suggested:g}")
    lines.append(f"{len(zones.rates)} batches, {zones.seconds:.1f} s")
    return "\n".join(lines)


def _curve(zones: RateZones) -> list[str]:
    """Return the smoothed loss by learning rate, as one bar for each of about `BARS` batches."""
    losses = [loss for loss in zones.losses if loss is not None]
    highest = min(max(losses), 2 * losses[0])
    lines = ["Rate      Loss"]
    for batch in range(0, len(losses), max(1, len(losses) // BARS)):
        width = round(BAR_WIDTH * min(losses[batch] / highest, 1))
        lines.append(f"{zones.rates[batch]:<8.2g}  {losses[batch]:<6.3g} {'#' * width}".rstrip())
    return lines
