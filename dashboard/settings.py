"""The sidebar's settings of the next run: one widget per row of the table in `mnist_core.config`.

What has been set is kept in the session under `draft`, apart from the widgets, whose own state Streamlit forgets when
the page changes. Ranges come from the table; here is only which widget shows a setting, and where its slider stops.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from mnist_core.config import SETTINGS, Setting, TrainConfig
from mnist_core.errors import ConfigError

LR_STOPS = [round(mantissa * 10.0**power, 6) for power in range(-4, 0) for mantissa in (1, 1.5, 2, 3, 5, 7)] + [1.0]
BATCH_SIZE_STOPS = [1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024]
CHOICE_LABELS = {
    "auto": "Auto",
    "mnist": "MNIST (60\u202f000 images)",
    "fashion-mnist": "Fashion-MNIST (60\u202f000 images)",
    "kmnist": "KMNIST (60\u202f000 images)",
    "mnist-5k": "MNIST-5k (built in)",
    "cpu": "CPU",
    "cuda": "CUDA",
    "mps": "MPS (Apple)",
}


def sidebar(caption: str, start_label: str) -> tuple[TrainConfig, str] | None:
    """Draw the settings; returns the config and the run's name when Start was pressed.

    `caption` says what the settings apply to. A value out of range is named under its field, and Start is disabled.
    """
    draft = _draft()
    with st.sidebar, st.container(key="settings"):
        st.markdown("**Settings**")
        if caption:
            st.caption(caption)
        _slider_with_field("batch_size", stops=BATCH_SIZE_STOPS, step=1)
        _slider_with_field("lr", stops=LR_STOPS, step=0.001, format="%g")
        _slider_with_field("momentum", step=0.01, format="%.2f")
        _slider_with_field("epochs", step=1)
        with st.expander("More settings"):
            _choice("dataset")
            _field("seed")
            _field("test_batch_size")
            _slider("validation_fraction", step=0.05)
            _choice("device")
            _checkbox("save_model")
        name = st.text_input("Run name", placeholder="Named automatically, e.g. run-8", key="run_name", max_chars=80)
        pressed = st.button(
            start_label,
            type="primary",
            width="stretch",
            shortcut="Ctrl+Enter",
            disabled=any(_problem(name) for name in SETTINGS),
            help="Trains in a process of its own: closing this page does not stop it.",
        )
    return (TrainConfig(**draft), name) if pressed else None


def draft_config() -> TrainConfig:
    """The settings as they stand, fields with an invalid value at their default."""
    return TrainConfig(
        **{name: SETTINGS[name].default if _problem(name) else value for name, value in _draft().items()}
    )


def prepare(config: TrainConfig) -> None:
    """Put a config's values into the sidebar, before it is drawn in the same script run."""
    for name in SETTINGS:
        _draft()[name] = getattr(config, name)
        for part in ("slider", "field"):
            st.session_state.pop(f"{name}_{part}", None)


# ---------------------------------------------------------------------- one setting each


def _slider_with_field(name: str, *, step: float, stops: list[Any] | None = None, format: str | None = None) -> None:
    """A slider and, beside it, the exact value, which can be typed; both write the same setting."""
    setting = SETTINGS[name]
    slider, field = st.columns([1, 0.42], gap="small", vertical_alignment="bottom", wrap=False)
    with slider:
        _slider(name, step=step, stops=stops)
    with field:
        # The range is checked here in Python: Streamlit's own limits would reject a value in the browser, nameless.
        st.number_input(
            f"{setting.label}, exact value",
            step=step,
            format=format,
            key=_primed(name, "field"),
            label_visibility="collapsed",
            on_change=_take,
            args=(name, "field"),
        )
    _show_problem(name)


def _slider(name: str, *, step: float, stops: list[Any] | None = None) -> None:
    setting = SETTINGS[name]
    key = f"{name}_slider"
    value = setting.default if _problem(name) else _draft()[name]
    st.session_state.setdefault(key, value)
    common: dict[str, Any] = {"key": key, "help": setting.help, "on_change": _take, "args": (name, "slider")}
    if stops:
        st.select_slider(setting.label, sorted({*stops, st.session_state[key]}), **common)
    else:
        st.slider(setting.label, setting.kind(setting.low), setting.kind(setting.high), step=step, **common)


def _field(name: str) -> None:
    setting = SETTINGS[name]
    st.number_input(
        setting.label, step=1, key=_primed(name, "field"), help=setting.help, on_change=_take, args=(name, "field")
    )
    _show_problem(name)


def _choice(name: str) -> None:
    setting = SETTINGS[name]
    st.selectbox(
        setting.label,
        setting.choices,
        format_func=lambda choice: CHOICE_LABELS[choice],
        key=_primed(name, "field"),
        help=setting.help,
        on_change=_take,
        args=(name, "field"),
    )


def _checkbox(name: str) -> None:
    setting = SETTINGS[name]
    key = _primed(name, "field")
    st.checkbox(setting.label, key=key, help=setting.help, on_change=_take, args=(name, "field"))


# ---------------------------------------------------------------------- what has been set


def _draft() -> dict[str, Any]:
    draft: dict[str, Any] = st.session_state.setdefault(
        "draft", {name: setting.default for name, setting in SETTINGS.items()}
    )
    return draft


def _primed(name: str, part: str) -> str:
    key = f"{name}_{part}"
    st.session_state.setdefault(key, _draft()[name])
    return key


def _take(name: str, part: str) -> None:
    """A widget was moved: remember its value, and have the other widget of the same setting follow."""
    value = st.session_state[f"{name}_{part}"]
    _draft()[name] = value
    other = f"{name}_{'field' if part == 'slider' else 'slider'}"
    if other in st.session_state and not _problem(name):
        st.session_state[other] = value


def _problem(name: str) -> str:
    setting: Setting = SETTINGS[name]
    try:
        setting.validate(_draft()[name])
    except ConfigError as error:
        return str(error)
    return ""


def _show_problem(name: str) -> None:
    if problem := _problem(name):
        st.markdown(f":red[:small[{problem}]]")
