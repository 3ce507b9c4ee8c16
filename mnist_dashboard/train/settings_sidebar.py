"""The sidebar's settings: those of the next run with its Start button, and those of a run for viewers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from mnist_core import presets
from mnist_core.annotations import MAX_NAME_LENGTH
from mnist_core.config import OPTIMIZERS, SETTINGS, TrainConfig
from mnist_core.formatting import format_duration
from mnist_core.trainer.speed import epoch_seconds
from mnist_core.training.parameter_counts import PARAMETER_COUNTS
from mnist_dashboard.train.draft import Draft, bind_draft, choose_preset, preset_key, read_draft
from mnist_dashboard.train.settings_binding import SettingsBinding
from mnist_dashboard.train.settings_widgets import render_setting
from mnist_dashboard.ui import messages
from mnist_dashboard.ui.formatting import format_count

MAIN_SETTINGS = ("model", "batch_size", "lr", "momentum", "epochs")
"""The settings that are always visible; More settings has the others, in the order of the table."""


def render_draft_sidebar(
    draft: Draft, caption: str, start_label: str, training_images: int, on_start: Callable[[TrainConfig, str], None]
) -> None:
    """Draw the settings of the next run, and Start, which attempts `on_start` with the config and the run's name.

    `caption` says which run the settings apply to; `training_images` is the expected number per epoch. A value out of
    range is named under its field and disables Start.
    """

    def start() -> None:
        # The user may have typed a value and pressed Start before the page could show that the value is refused.
        typed = read_draft()
        if not typed.problems:
            messages.attempt(lambda: on_start(typed.config, st.session_state["run_name"]), place=messages.SIDEBAR)

    binding = bind_draft(draft)
    with st.sidebar, st.container(key="settings"):
        st.markdown("**Settings**")
        if caption:
            st.caption(caption)
        _render_preset(draft.preset)
        render_setting("model", binding)
        st.caption(_size_and_time(draft.config, training_images))
        render_setting("batch_size", binding)
        render_setting("lr", binding)
        _render_momentum(binding)
        render_setting("epochs", binding)
        _render_more_settings(binding)
        st.text_input(
            "Run name", placeholder="Named automatically, e.g. run-8", key="run_name", max_chars=MAX_NAME_LENGTH
        )
        problem = next(iter(draft.problems.values()), "")
        st.button(
            start_label,
            type="primary",
            width="stretch",
            shortcut="Ctrl+Enter",
            disabled=bool(problem),
            on_click=start,  # a callback: it starts the run before the page is redrawn, which takes longer
            # The field may be out of sight, under More settings.
            help=problem or "Trains in a process of its own: closing this page does not stop it.",
        )


def render_read_only_sidebar(title: str, values: dict[str, Any]) -> None:
    """Draw the same widgets for viewers, disabled. `values` are valid settings."""
    binding = SettingsBinding(values, prefix="watched_", disabled=True)
    binding.set_values(values)
    with st.sidebar, st.container(key="settings"):
        st.markdown(f"**{title}**")
        st.caption("You are watching. Only the owner can change settings.")
        for name in MAIN_SETTINGS:
            render_setting(name, binding)
        _render_more_settings(binding)


def _render_more_settings(binding: SettingsBinding) -> None:
    with st.expander("More settings"):
        for name in SETTINGS:
            if name in MAIN_SETTINGS:
                continue
            # A setting without effect is hidden, unless its value is refused and has to be corrected.
            if name != "gamma" or presets.has_effect(name, binding.values) or name in binding.out_of_range:
                render_setting(name, binding)


def _size_and_time(config: TrainConfig, training_images: int) -> str:
    """Describe the network in one line at most, so that another choice moves nothing below."""
    parameters = f"{format_count(PARAMETER_COUNTS[config.model])} parameters"
    seconds = epoch_seconds(config, training_images)
    if seconds is None:
        return f"{parameters}, time not measured yet"
    return f"{parameters}, about {format_duration(max(1, round(seconds)))} per epoch"


def _render_preset(preset: str) -> None:
    """A select box of presets. Changed settings have an entry of their own, so that every preset can be chosen."""
    key = preset_key(preset)
    choices = presets.NAMES if preset in presets.NAMES else (preset, *presets.NAMES)
    st.selectbox(
        "Preset",
        choices,
        index=choices.index(preset),
        key=key,
        help="Fills in settings that belong together. Dataset, seed, device and the like stay unchanged.",
        filter_mode=None,
        on_change=choose_preset,
        args=(key,),
    )
    with st.container(key="preset_description"):  # high enough for every description, so that nothing below moves
        st.caption(presets.DESCRIPTIONS[preset if preset in presets.NAMES else presets.CUSTOM])


def _render_momentum(binding: SettingsBinding) -> None:
    """Momentum, disabled if the optimizer ignores it, unless its value is refused and has to be corrected."""
    ignored = not presets.has_effect("momentum", binding.values)
    render_setting("momentum", binding, disabled=ignored and "momentum" not in binding.out_of_range)
    if ignored:
        st.caption(f"{OPTIMIZERS[binding.values['optimizer']]} does not use momentum.")
