"""The line below the learning rate: which rates are safe with the other settings, and a test that finds them.

A test runs in a process of its own. While it does, the line looks twice a second whether it has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import streamlit as st

from mnist_core import presets
from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.records import ADJUSTABLE
from mnist_core.sweeps.rate_zones import RateZones, find_nearest_zones, find_zones_of
from mnist_dashboard import services
from mnist_dashboard.components.rate_zones import RateLine, State, rate_line
from mnist_dashboard.train.settings import own_networks
from mnist_dashboard.train.settings.binding import SettingsBinding
from mnist_dashboard.train.settings.widgets import slider_stops
from mnist_dashboard.ui import messages

POLL_SECONDS = 0.5

BUSY = "Learning rates can be tested while no run trains or waits."

_PRESSED = "rate_line_pressed"
"""Session key that is set once a button of the line was pressed, until the page is drawn again."""

MAX_OUTDATED_LENGTH = 14
"""Maximum length of the settings named in the line, which has room for "momentum 0.55"."""


def render_rate_line(binding: SettingsBinding, config: TrainConfig, *, may_test: bool, is_busy: bool) -> None:
    """Draw the line. `config` has the settings of `binding`; with `may_test` it offers a test, unless `is_busy`."""
    config = _in_force(binding, config)
    is_testing = may_test and services.current().is_testing_rates(config)
    st.session_state.pop(_PRESSED, None)

    def draw() -> None:
        has_ended = is_testing and not services.current().is_testing_rates(config)
        if has_ended or st.session_state.get(_PRESSED):
            st.rerun()  # the whole page: the zones belong to the slider
        line = describe_line(binding, config, may_test=may_test, is_busy=is_busy, is_testing=is_testing)
        rate_line(
            line,
            on_test=_then_rerun(lambda: messages.attempt(lambda: services.current().actions.test_rates(config))),
            on_suggested=_then_rerun(lambda: _set_rate(binding, line["suggested"])),
            key=f"{binding.prefix}rate_zones",
        )

    with st.container(key=f"{binding.prefix}rate_line"):
        # A fragment also when nothing runs: the line would be in two places at once when one begins.
        st.fragment(draw, run_every=POLL_SECONDS if is_testing else None)()


def _then_rerun(act: Callable[[], object]) -> Callable[[], None]:
    """Return a callback that acts, and has the whole page drawn again: a press redraws only its fragment."""

    def act_and_rerun() -> None:
        act()
        st.session_state[_PRESSED] = True

    return act_and_rerun


def _in_force(binding: SettingsBinding, config: TrainConfig) -> TrainConfig:
    """Return the settings with those that were changed since, and with the present version of a network."""
    valid = {name: binding.values[name] for name in ADJUSTABLE if name not in binding.problems}
    in_force = {**valid, "model": own_networks.present_name(config.model)}
    changed = {name: value for name, value in in_force.items() if value != getattr(config, name)}
    with suppress(ConfigError):  # momentum 0 with Nesterov, which the form has refused
        return replace(config, **changed) if changed else config
    return config


def describe_line(
    binding: SettingsBinding, config: TrainConfig, *, may_test: bool, is_busy: bool, is_testing: bool
) -> RateLine:
    """Return what the line shows, and what the slider is painted with."""
    zones = None if binding.problems.keys() - {"lr"} else find_zones_of(config)
    state, text = _state(config, zones, may_test=may_test, is_testing=is_testing)
    shown = zones if zones and state == "tested" else RateZones(settings={})
    reason = zones.problem if zones and state == "failed" else BUSY if is_busy else ""
    return {
        "state": state,
        "slider": f"{binding.prefix}lr_slider",
        "stops": slider_stops("lr", config.lr),
        "rate": config.lr,
        "zone": shown.zone(config.lr) if state == "tested" else "",
        "text": text,
        "problem": next(iter(binding.problems.values()), reason),
        "safe_up_to": shown.safe_up_to,
        "diverges_above": shown.diverges_above,
        "suggested": shown.suggested,
        "rates": shown.rates,
        "losses": shown.losses,
        "may_test": may_test and not is_busy and not binding.problems.keys() - {"lr"},
        "may_set": "lr" in binding.changeable,
    }


def _state(config: TrainConfig, zones: RateZones | None, *, may_test: bool, is_testing: bool) -> tuple[State, str]:
    """Return the state of the line and its text."""
    if is_testing:
        return "testing", ""
    if zones and not zones.problem:
        return "tested", zones.describe(config.lr)
    if not may_test:
        return "blank", ""
    if zones:
        return "failed", ""
    if nearest := find_nearest_zones(config):
        return "outdated", f"Tested with {_name_settings(nearest[1])}."
    return "untested", ""


def _name_settings(settings: Mapping[str, Any]) -> str:
    text = presets.describe_settings(settings)
    return text if 0 < len(text) <= MAX_OUTDATED_LENGTH else "other settings"


def _set_rate(binding: SettingsBinding, rate: float | None) -> None:
    if rate is None or "lr" not in binding.changeable:
        return
    binding.set_values({"lr": rate})
    if binding.on_valid_change:
        binding.on_valid_change("lr")
