"""The sidebar of a race: its lanes, what differs between them, and Start race."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import streamlit as st

from mnist_core import presets
from mnist_core.config import SETTINGS, TrainConfig, choice_label
from mnist_core.runs.races import MAX_LANES, MIN_LANES
from mnist_dashboard import services
from mnist_dashboard.sweep import place, race_draft
from mnist_dashboard.sweep.race_draft import Entries, Lane, RaceDraft
from mnist_dashboard.train.settings.binding import DECIMALS, setting_choices
from mnist_dashboard.train.settings.draft import Draft, read_draft
from mnist_dashboard.train.settings.widgets import number_style
from mnist_dashboard.ui import markdown, messages
from mnist_dashboard.ui.number_field import format_number, number_field, parse_number
from mnist_dashboard.ui.state import stale_widgets

HINT = "Same first weights, same images in the same order: only the settings below differ."
LANE_COLORS = ("blue", "orange", "green", "violet")


def render_race_form(draft: Draft, *, may_act: bool) -> None:
    """Draw the form in the sidebar. `draft` has the settings that all lanes share; viewers see it disabled."""
    race = race_draft.read(draft)
    entries = race_draft.check(race, draft)
    with st.container(key="settings_hint"):
        st.caption(HINT)
    _render_differing(race, may_act=may_act)
    _render_lanes(race, entries, may_act=may_act)
    _render_shared(race, entries, draft, may_act=may_act)
    with st.container(key="settings_note"):
        st.caption(f":red[{markdown.escape(entries.problem)}]" if entries.problem and may_act else "&nbsp;")
    st.button(
        "Start race",
        type="primary",
        width="stretch",
        shortcut="Ctrl+Enter",
        key="start",
        disabled=bool(entries.problem) or not may_act,
        on_click=_start,
        help=markdown.escape(entries.problem) or "One process trains all lanes in turn, batch by batch.",
    )


def _start() -> None:
    """Start the race, and show it. The values may be newer than the page: they are checked again."""
    train = read_draft()
    entries = race_draft.check(race_draft.read(train), train)

    def start() -> None:
        lanes = services.current().actions.start_race(entries.configs)
        place.go_to(place.Place(race=lanes[0].race_id))

    if entries.configs:
        messages.attempt(start)


def _render_differing(race: RaceDraft, *, may_act: bool) -> None:
    key = stale_widgets.show_in_widget("race_differing", race.differing)

    def choose() -> None:
        chosen = [name for name in st.session_state[key] if name in race_draft.RACEABLE]
        if chosen:
            race_draft.set_differing(chosen, read_draft())

    st.multiselect(
        "What differs",
        race_draft.RACEABLE,
        race.differing,
        format_func=lambda name: SETTINGS[name].label,
        max_selections=race_draft.MAX_DIFFERING,
        key=key,
        on_change=choose,
        disabled=not may_act,
        help="One setting, or two that belong together, such as optimizer and learning rate.",
    )


# ---------------------------------------------------------------------- lanes


def _render_lanes(race: RaceDraft, entries: Entries, *, may_act: bool) -> None:
    for position, lane in enumerate(race.lanes):
        _render_lane(position, lane, race, entries, may_act=may_act)
    is_full, is_least = len(race.lanes) >= MAX_LANES, len(race.lanes) <= MIN_LANES
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="race_lanes_more"):
        st.button(
            "Add a lane",
            icon=":material/add:",
            key="race_add",
            disabled=is_full or not may_act,
            on_click=lambda: race_draft.add_lane(read_draft()),
        )
        st.caption("Four lanes are the most." if is_full else "Two lanes are the least." if is_least else "&nbsp;")


def _render_lane(position: int, lane: Lane, race: RaceDraft, entries: Entries, *, may_act: bool) -> None:
    color = LANE_COLORS[position]
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", wrap=False, key=f"race_lane_{lane.number}"
    ):
        st.markdown(f":{color}[■] {position + 1}", width=26)
        for name in race.differing:
            _render_value(f"Lane {position + 1}", lane, name, entries, may_act=may_act)
        st.button(
            "",
            icon=":material/close:",
            key=f"race_remove_{lane.number}",
            type="tertiary",
            help=f"Remove lane {position + 1}",
            disabled=len(race.lanes) <= MIN_LANES or not may_act,
            on_click=race_draft.remove_lane,
            args=(lane.number,),
        )


def _render_value(title: str, lane: Lane, name: str, entries: Entries, *, may_act: bool) -> None:
    setting, value = SETTINGS[name], lane.values[name]
    key = f"race_{lane.number}_{name}_field"
    options: dict[str, Any] = {"key": key, "disabled": not may_act, "on_change": _store, "args": (lane.number, name)}
    if setting.choices or setting.kind is bool:
        choices = [False, True] if setting.kind is bool else setting_choices(name, value)
        label = _switch_label if setting.kind is bool else partial(choice_label, name)
        st.session_state.setdefault(key, value)
        st.selectbox(
            f"{title}, {setting.sentence_label}",
            choices,
            choices.index(value),
            format_func=label,
            label_visibility="collapsed",
            filter_mode=None,
            **options,
        )
        return
    st.session_state.setdefault(key, format_number(value, DECIMALS.get(name, 0)))
    number_field(
        dataclasses.replace(setting, label=f"{title}, {setting.sentence_label}"),
        value,
        step=number_style(setting).step,
        decimals=DECIMALS.get(name, 0),
        problem=entries.fields.get((lane.number, name), ""),
        is_next_to_slider=True,
        **options,
    )


def _switch_label(value: bool) -> str:
    return "on" if value else "off"


def _store(number: int, name: str) -> None:
    setting, entered = SETTINGS[name], st.session_state[f"race_{number}_{name}_field"]
    is_typed = not setting.choices and setting.kind is not bool
    race_draft.set_value(number, name, parse_number(setting, entered) if is_typed else entered)


# ---------------------------------------------------------------------- what all lanes share


def _render_shared(race: RaceDraft, entries: Entries, train: Draft, *, may_act: bool) -> None:
    lengths = race_draft.lengths(race, train)
    length_key = stale_widgets.show_in_widget("race_length", race.epochs)
    st.selectbox(
        "Length",
        lengths,
        lengths.index(race.epochs),
        format_func=_length_label,
        key=length_key,
        on_change=lambda: race_draft.change(epochs=st.session_state[length_key]),
        disabled=not may_act,
        filter_mode=None,
        help="All lanes train as long.",
    )
    base_key = stale_widgets.show_in_widget("race_base", race.base)
    st.selectbox(
        "Everything else",
        race_draft.BASES,
        race_draft.BASES.index(race.base),
        key=base_key,
        on_change=lambda: race_draft.change(base=st.session_state[base_key]),
        disabled=not may_act,
        filter_mode=None,
        help="The settings that all lanes share: those of the sliders on the Train page, or the defaults.",
    )
    with st.container(key="race_shared"):
        st.caption(markdown.escape(_describe(entries.base, race.differing)))


def _length_label(epochs: int) -> str:
    # Without the number on Train, which may change: the browser keeps the text that was chosen.
    return _epochs(epochs) if epochs else race_draft.ON_TRAIN


def _epochs(count: int) -> str:
    return f"{count} epoch{'' if count == 1 else 's'}"


def _describe(base: TrainConfig, differing: list[str]) -> str:
    """Say in a line what all lanes share: network, batch size and length, and what is not as by default."""
    main = {"model": choice_label("model", base.model), "batch_size": f"batch size {base.batch_size}"}
    parts = [text for name, text in main.items() if name not in differing]
    parts.append(_epochs(base.epochs))
    changed = presets.changed_settings({name: getattr(base, name) for name in SETTINGS})
    others = {name: value for name, value in changed.items() if name not in (*differing, *main, "epochs")}
    return ", ".join([*parts, *([presets.describe_settings(others)] if others else [])])
