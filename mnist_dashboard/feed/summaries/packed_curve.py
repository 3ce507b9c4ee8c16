"""Packs the loss curve of a run for its sparkline: 40 losses in as many bytes, for a list of thousands of runs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mnist_core.records import round_number
from mnist_dashboard.server.shared_constants import CURVE_DIGITS


def pack_curve(losses: Sequence[float]) -> list[float | str | None]:
    """Return the first and the last loss, and a digit of `CURVE_DIGITS` for the height of each on a logarithmic scale.

    A loss that is not a positive number is a blank. Empty if there are fewer than two losses.
    """
    if len(losses) < 2:
        return []
    logs = [math.log(loss) if 0 < loss < math.inf else None for loss in losses]
    known = [value for value in logs if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    scale = (len(CURVE_DIGITS) - 1) / ((high - low) or 1.0)
    text = "".join(" " if value is None else CURVE_DIGITS[round((value - low) * scale)] for value in logs)
    return [round_number(losses[0], digits=4), round_number(losses[-1], digits=4), text]
