"""Reads JSON as a browser does."""

from __future__ import annotations

import json
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """Parse JSON. Raises `ValueError` for NaN and infinity, which Python's parser accepts and a browser's does not."""
    return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
