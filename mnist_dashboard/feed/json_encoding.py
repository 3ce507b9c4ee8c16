"""JSON of the live feed. JSON has no NaN and no infinity; both become null."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def encode_json(data: dict[str, Any]) -> bytes:
    """Compact JSON. Raises `ValueError` if `data` still contains NaN or infinity."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).encode()


def round_values(values: np.ndarray | Sequence[float]) -> list[float | None]:
    """Values with six significant digits, which is more than a screen can show."""
    return [float(f"{value:.6g}") if math.isfinite(value) else None for value in values]
