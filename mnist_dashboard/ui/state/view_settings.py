"""How charts are drawn: logarithmic, smoothed, with the run before. Kept per browser, and the same on every page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import streamlit as st

from mnist_dashboard.ui.state import browser_memory

MAX_SMOOTHING = 0.99

_NAME = "view_settings"
"""Name in the browser's memory, and key in the session."""


@dataclass(frozen=True)
class ViewSettings:
    log_loss: bool = True
    """Whether the axis of the loss is logarithmic."""
    smoothing: float | None = None
    """Weight of the past in smoothed curves; None until somebody has chosen one, which adapts it to the run."""
    ghost: bool = True
    """Whether the previous run on the same dataset is drawn behind the one shown."""


def read() -> ViewSettings:
    """Return the settings of this session, which begin as the browser remembers them."""
    if _NAME not in st.session_state:
        st.session_state[_NAME] = parse(browser_memory.recall(_NAME))
    settings: ViewSettings = st.session_state[_NAME]
    return settings


def change(values: Mapping[str, Any], *, remember: bool = True) -> None:
    """Set some settings, and unless told otherwise have the browser remember all of them."""
    st.session_state[_NAME] = replace(read(), **values)
    if remember:
        browser_memory.remember(_NAME, asdict(read()))


def parse(remembered: Any) -> ViewSettings:
    """Return what can be read of a cookie's content, which may come from anywhere."""
    values = remembered if isinstance(remembered, Mapping) else {}
    known = {name: values[name] for name in ("log_loss", "ghost") if isinstance(values.get(name), bool)}
    smoothing = values.get("smoothing")
    if isinstance(smoothing, float | int) and not isinstance(smoothing, bool) and 0 <= smoothing <= MAX_SMOOTHING:
        known["smoothing"] = round(float(smoothing), 2)
    return ViewSettings(**known)
