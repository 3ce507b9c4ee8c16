"""The sidebar's settings of the next run: one widget per row of the table in `mnist_core.config`.

Ranges come from the table; here is only which widget shows a setting, and where its slider stops. What has been set is
kept by `mnist_dashboard.train.draft`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from mnist_core import presets
from mnist_core.config import OPTIMIZERS, SETTINGS, TrainConfig
from mnist_core.trainer.speed import epoch_seconds
from mnist_core.training.networks import PARAMETER_COUNTS
from mnist_dashboard.train import draft as draft_settings
from mnist_dashboard.train.draft import Draft

LR_STOPS = [round(mantissa * 10.0**power, 6) for power in range(-4, 0) for mantissa in (1, 1.5, 2, 3, 5, 7)] + [1.0]
BATCH_SIZE_STOPS = [1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024]


@dataclass(frozen=True)
class Binding:
    """What widgets show and whom they tell. Their keys are `<prefix><name>_slider` and `<prefix><name>_field`."""

    values: Callable[[], dict[str, Any]]
    take: Callable[[str, str], None]
    """Called with the name and `slider` or `field` when a widget was moved."""
    out_of_range: Callable[[str], str]
    problems: Callable[[], dict[str, str]]
    prefix: str = ""
    disabled: bool = False

    def bound(self, name: str, part: str) -> dict[str, Any]:
        """What ties a widget to its setting: its key, holding the value that is set, and who takes a new one."""
        key = f"{self.prefix}{name}_{part}"
        st.session_state.setdefault(key, self.values()[name])
        return {"key": key, "on_change": self.take, "args": (name, part)}


def _bind_draft(draft: Draft) -> Binding:
    return Binding(
        values=lambda: draft.values,
        take=draft_settings.on_widget_change,
        out_of_range=lambda name: draft.out_of_range.get(name, ""),
        problems=lambda: dict(draft.problems),
    )


def render_draft_sidebar(
    draft: Draft, caption: str, start_label: str, training_images: int, on_start: Callable[[TrainConfig, str], None]
) -> None:
    """Draw the settings of the next run, and Start, which calls `on_start` with the config and the run's name.

    `caption` says what the settings apply to, `training_images` how many an epoch will probably have. A value out of
    range is named under its field, and Start is disabled.
    """

    def start() -> None:
        # A value may have been typed and Start pressed before the page could say that the value is refused.
        now = draft_settings.read_draft()
        if not now.problems:
            on_start(now.config, st.session_state["run_name"])

    binding = _bind_draft(draft)

    with st.sidebar, st.container(key="settings"):
        st.markdown("**Settings**")
        if caption:
            st.caption(caption)
        _render_preset(draft.preset)
        _render_choice("model", binding)
        st.caption(_size_and_time(draft.config, training_images))
        render_slider_with_field("batch_size", stops=BATCH_SIZE_STOPS, step=1, binding=binding)
        render_slider_with_field("lr", stops=LR_STOPS, step=0.001, format="%g", binding=binding)
        _render_momentum(binding)
        render_slider_with_field("epochs", step=1, binding=binding)
        with st.expander("More settings"):
            _render_more_settings(binding)
        st.text_input("Run name", placeholder="Named automatically, e.g. run-8", key="run_name", max_chars=80)
        problems = list(draft.problems.values())
        st.button(
            start_label,
            type="primary",
            width="stretch",
            shortcut="Ctrl+Enter",
            disabled=bool(problems),
            on_click=start,  # called before the page is drawn anew, which takes longer than to start a run
            # The field may be out of sight, under More settings.
            help=problems[0] if problems else "Trains in a process of its own: closing this page does not stop it.",
        )


def render_read_only_sidebar(title: str, values: dict[str, Any]) -> None:
    """Draw settings as they are, for whoever only watches: the same widgets, and none of them can be moved."""
    watched = Binding(lambda: values, lambda *_: None, lambda _name: "", dict, prefix="watched_", disabled=True)
    for name, value in values.items():
        for part in ("slider", "field"):
            st.session_state[f"watched_{name}_{part}"] = value
    with st.sidebar, st.container(key="settings"):
        st.markdown(f"**{title}**")
        st.caption("You are watching. Only the owner can change settings.")
        _render_choice("model", watched)
        render_slider_with_field("batch_size", stops=BATCH_SIZE_STOPS, step=1, binding=watched)
        render_slider_with_field("lr", stops=LR_STOPS, step=0.001, format="%g", binding=watched)
        render_slider_with_field("momentum", step=0.01, format="%.2f", binding=watched)
        render_slider_with_field("epochs", step=1, binding=watched)
        with st.expander("More settings"):
            _render_more_settings(watched)


def _render_more_settings(binding: Binding) -> None:
    _render_choice("optimizer", binding)
    _render_field("weight_decay", step=0.0001, format="%g", binding=binding)
    _render_choice("schedule", binding)
    if presets.has_effect("gamma", binding.values()) or binding.out_of_range("gamma"):
        _render_field("gamma", step=0.05, format="%g", binding=binding)
    _render_choice("precision", binding)
    _render_choice("dataset", binding)
    _render_field("seed", step=1, binding=binding)
    _render_field("test_batch_size", step=1, binding=binding)
    _render_slider("validation_fraction", step=0.05, binding=binding)
    _render_choice("device", binding)
    _render_checkbox("save_model", binding)


def _size_and_time(config: TrainConfig, training_images: int) -> str:
    """Short enough for one line, so that nothing below moves when another network is chosen."""
    parameters = f"{PARAMETER_COUNTS[config.model]:,} parameters".replace(",", "\u202f")
    seconds = epoch_seconds(config, training_images)
    if seconds is None:
        return f"{parameters}, time not measured yet"
    minutes, rest = divmod(max(1, round(seconds)), 60)
    return f"{parameters}, about {minutes}:{rest:02d} per epoch"


# ---------------------------------------------------------------------- one setting each


def _render_preset(preset: str) -> None:
    """All settings at once. Settings that were changed since have an entry of their own, so that any can be chosen."""
    key = draft_settings.preset_key(preset)
    st.selectbox(
        "Preset",
        presets.NAMES if preset in presets.NAMES else (preset, *presets.NAMES),
        key=key,
        help="Puts settings that belong together into the fields below. Dataset, seed, device and the like stay.",
        filter_mode=None,
        on_change=draft_settings.choose_preset,
        args=(key,),
    )


def _render_momentum(binding: Binding) -> None:
    """Not to be moved with an optimizer that ignores it, unless its value is refused and must be mended."""
    values = binding.values()
    ignored = not presets.has_effect("momentum", values)
    disabled = ignored and not binding.out_of_range("momentum")
    render_slider_with_field("momentum", step=0.01, format="%.2f", disabled=disabled, binding=binding)
    if ignored:
        st.caption(f"{OPTIMIZERS[values['optimizer']]} does not use momentum.")


def render_slider_with_field(
    name: str,
    *,
    step: float,
    stops: list[Any] | None = None,
    format: str | None = None,
    disabled: bool = False,
    binding: Binding,
) -> None:
    """A slider and, beside it, the exact value, which can be typed; both write the same setting."""
    setting = SETTINGS[name]
    slider, field = st.columns([1, 0.42], gap="small", vertical_alignment="bottom", wrap=False)
    with slider:
        _render_slider(name, step=step, stops=stops, disabled=disabled, binding=binding)
    with field:
        # The range is checked here in Python: Streamlit's own limits would reject a value in the browser, nameless.
        st.number_input(
            f"{setting.label}, exact value",
            step=step,
            format=format,
            label_visibility="collapsed",
            disabled=disabled or binding.disabled,
            **binding.bound(name, "field"),
        )
    _render_problem(name, binding)


def _render_slider(
    name: str, *, step: float, stops: list[Any] | None = None, disabled: bool = False, binding: Binding
) -> None:
    setting = SETTINGS[name]
    key = f"{binding.prefix}{name}_slider"
    if binding.out_of_range(name):
        st.session_state.setdefault(key, setting.default)
    common = {**binding.bound(name, "slider"), "help": setting.help, "disabled": disabled or binding.disabled}
    if stops:
        st.select_slider(setting.label, sorted({*stops, st.session_state[key]}), **common)
    else:
        st.slider(setting.label, setting.kind(setting.low), setting.kind(setting.high), step=step, **common)


def _render_field(name: str, *, step: float, format: str | None = None, binding: Binding) -> None:
    setting = SETTINGS[name]
    st.number_input(
        setting.label,
        step=step,
        format=format,
        help=setting.help,
        disabled=binding.disabled,
        **binding.bound(name, "field"),
    )
    _render_problem(name, binding)


def _render_choice(name: str, binding: Binding) -> None:
    setting = SETTINGS[name]
    st.selectbox(
        setting.label,
        list(setting.choices),
        format_func=setting.choices.__getitem__,
        help=setting.help,
        disabled=binding.disabled,
        **binding.bound(name, "field"),
    )
    _render_problem(name, binding)


def _render_checkbox(name: str, binding: Binding) -> None:
    setting = SETTINGS[name]
    st.checkbox(setting.label, help=setting.help, disabled=binding.disabled, **binding.bound(name, "field"))


def _render_problem(name: str, binding: Binding) -> None:
    if problem := binding.problems().get(name):
        st.markdown(f":red[:small[{problem}]]")
