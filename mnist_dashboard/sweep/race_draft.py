"""The lanes of the next race as the sidebar holds them, and what is wrong with them.

They live in the session under `race_draft`, apart from the widgets, whose own state Streamlit forgets when the page
changes. The browser keeps them from one visit to the next.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from mnist_core.augmentations import fit_augmentation
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.runs.races import IMAGE_SETTINGS, MAX_LANES, MIN_LANES, check_lanes
from mnist_core.setting import Setting
from mnist_dashboard import access
from mnist_dashboard.train.settings.draft import Draft, load_config
from mnist_dashboard.train.settings.own_networks import find_problem
from mnist_dashboard.train.settings.widgets import LR_STOPS, number_style
from mnist_dashboard.ui.number_field import range_problem
from mnist_dashboard.ui.state import browser_memory, stale_widgets

MAX_DIFFERING = 2
"""Maximum number of settings that the form lets differ; the command `race` takes any."""

RACEABLE = tuple(name for name in SETTINGS if name not in (*IMAGE_SETTINGS, "epochs", "skip_norms", "save_model"))
"""Settings that can differ between lanes: those that choose images are shared, and the length is a row of its own."""

ON_TRAIN, DEFAULTS = "As on Train", "Defaults"
BASES = (ON_TRAIN, DEFAULTS)
"""Where the settings come from that all lanes share."""

_KEY = "race_draft"
"""Key in the session, and name in the browser's memory."""

_LENGTHS = (1, 2, 3, 5, 10, 20)


@dataclass
class Lane:
    number: int
    """Never used again in a session: names the widgets of the lane."""
    values: dict[str, Any]
    """The differing settings as typed or chosen, valid or not."""


@dataclass
class RaceDraft:
    """What the form shows. `change` functions keep it; a page reads it."""

    differing: list[str]
    lanes: list[Lane]
    epochs: int = 0
    """How long all lanes train; 0 stands for as long as on Train."""
    base: str = ON_TRAIN


@dataclass(frozen=True)
class Entries:
    """The lanes of the form as settings of runs, and what is wrong with them."""

    configs: list[TrainConfig]
    """Empty if there is a problem."""
    base: TrainConfig
    """What all lanes share."""
    fields: Mapping[tuple[int, str], str] = field(default_factory=dict)
    """What is wrong with single fields, by the number of the lane and the setting."""
    problem: str = ""
    """Why the race cannot start; empty if it can."""


def read(train: Draft) -> RaceDraft:
    """Return the draft of this session, which begins as the browser remembers it, else with three learning rates."""
    if _KEY not in st.session_state:
        kept = browser_memory.recall(_KEY) if access.may_act() else None
        st.session_state[_KEY] = read_kept(kept if isinstance(kept, dict) else {}, train.config)
    draft: RaceDraft = st.session_state[_KEY]
    return draft


def check(draft: RaceDraft, train: Draft) -> Entries:
    """Return the settings of each lane, or why they cannot race."""
    base = train.config if draft.base == ON_TRAIN else TrainConfig()
    base = dataclasses.replace(base, epochs=draft.epochs or base.epochs)
    fields = {
        (lane.number, name): problem
        for lane in draft.lanes
        for name, value in lane.values.items()
        if (problem := _problem(name, value))
    }
    unusable = [problem for name, problem in train.problems.items() if name not in draft.differing]
    if draft.base == ON_TRAIN and unusable:
        return Entries([], base, fields, f"On the Train page: {unusable[0]}")
    if fields:
        return Entries([], base, fields, next(iter(fields.values())))
    configs = []
    for place, lane in enumerate(draft.lanes, 1):
        try:
            configs.append(dataclasses.replace(base, **fit_augmentation(lane.values, base.max_shift)))
        except ConfigError as error:  # two settings do not go together
            named = error.field if error.field in lane.values else draft.differing[0]
            return Entries([], base, {(lane.number, named): str(error)}, f"Lane {place}: {error}")
    try:
        check_lanes(configs)
    except ConfigError as error:
        return Entries([], base, {}, str(error))
    return Entries(configs, base)


def lengths(draft: RaceDraft, train: Draft) -> list[int]:
    """Return the lengths to choose from, in epochs; 0 stands for that on Train."""
    return sorted({0, *_LENGTHS, draft.epochs, train.config.epochs})


# ---------------------------------------------------------------------- changes


def change(**values: Any) -> None:
    """Change the length or where the other settings come from, and remember the draft."""
    for name, value in values.items():
        setattr(st.session_state[_KEY], name, value)
    _remember()


def set_value(number: int, name: str, value: Any) -> None:
    """Change a setting of the lane with this number."""
    for lane in _lanes():
        if lane.number == number:
            lane.values[name] = value
    _remember()


def set_differing(names: Sequence[str], train: Draft) -> None:
    """Choose what differs. Settings that differed before keep their values; a new one gets values around its own."""
    draft: RaceDraft = st.session_state[_KEY]
    draft.differing = list(names)[:MAX_DIFFERING]
    suggested = {name: suggest(name, getattr(train.config, name), len(draft.lanes)) for name in draft.differing}
    is_second = {name: place > 0 for place, name in enumerate(draft.differing)}
    for place, lane in enumerate(draft.lanes):
        lane.values = {
            name: lane.values.get(name, getattr(train.config, name) if is_second[name] else suggested[name][place])
            for name in draft.differing
        }
    _remember()


def add_lane(train: Draft) -> None:
    """Add a lane with values that no other has, if there is room."""
    draft: RaceDraft = st.session_state[_KEY]
    if len(draft.lanes) >= MAX_LANES:
        return
    values = {}
    for name in draft.differing:
        used = [lane.values[name] for lane in draft.lanes]
        more = suggest(name, getattr(train.config, name), MAX_LANES + 1)
        values[name] = next((value for value in more if value not in used), used[-1])
    draft.lanes.append(Lane(1 + max(lane.number for lane in draft.lanes), values))
    _remember()


def remove_lane(number: int) -> None:
    """Remove a lane unless only two are left."""
    draft: RaceDraft = st.session_state[_KEY]
    if len(draft.lanes) > MIN_LANES:
        draft.lanes = [lane for lane in draft.lanes if lane.number != number]
    _remember()


def load_race(configs: Sequence[TrainConfig], differing: Sequence[str]) -> None:
    """Put the lanes of a race into the form, and its other settings into the sliders of the Train page.

    Raises `ConfigError` if more settings differ than the form has room for, or one that it gives all lanes alike.
    """
    if len(differing) > MAX_DIFFERING:
        labels = ", ".join(SETTINGS[name].sentence_label for name in differing)
        raise ConfigError(
            "race",
            f"The form has room for {MAX_DIFFERING} differing settings, and this race has {len(differing)}: {labels}. "
            "Start it with the command race.",
        )
    if shared := [SETTINGS[name].sentence_label for name in differing if name not in RACEABLE]:
        raise ConfigError(
            "race",
            f"The lanes of this race differ in {' and '.join(shared)}, which the form gives to all lanes alike. "
            "Start it with the command race, or from Python.",
        )
    names = list(differing) or ["lr"]
    known = st.session_state.get(_KEY)
    first = 1 + max((lane.number for lane in known.lanes), default=0) if known else 0
    lanes = [
        Lane(first + place, {name: getattr(config, name) for name in names}) for place, config in enumerate(configs)
    ]
    st.session_state[_KEY] = RaceDraft(names, lanes)
    stale_widgets.renew_widget("race_differing", names)
    load_config(configs[0])
    _remember()


def suggest(name: str, value: Any, count: int) -> list[Any]:
    """Return values of a setting to race, `value` among them: for lanes that have none yet."""
    setting = SETTINGS[name]
    if choices := [False, True] if setting.kind is bool else list(setting.choices):
        others = [choice for choice in choices if choice != value]
        return _filled([value, *others], count)
    stops = _stops(setting)
    nearest = min(range(len(stops)), key=lambda place: abs(stops[place] - value))
    first = max(0, min(nearest - count // 2, len(stops) - count))
    around = [stop if place != nearest else value for place, stop in enumerate(stops)]
    return _filled(around[first : first + count], count)


def _stops(setting: Setting) -> list[Any]:
    """Return values of a number that are worth comparing, ascending: learning rates are a factor of three apart."""
    if setting.name == "lr":
        return [stop for stop in LR_STOPS if f"{stop:e}"[:3] in ("1.0", "3.0")]
    if stops := number_style(setting).stops:
        return [setting.kind(stop) for stop in stops if setting.kind is not int or int(stop).bit_count() == 1]
    low, high = max(setting.low, 0), min(setting.high, max(1, 10 * abs(setting.default)))
    return list(dict.fromkeys(setting.kind(float(f"{low + (high - low) * part / 8:.2g}")) for part in range(9)))


def _filled(values: Sequence[Any], count: int) -> list[Any]:
    return [*values, *[values[-1]] * count][:count]


# ---------------------------------------------------------------------- memory


def _problem(name: str, value: Any) -> str:
    return range_problem(SETTINGS[name], value) or (find_problem(value) if name == "model" else "")


def _lanes() -> list[Lane]:
    draft: RaceDraft = st.session_state[_KEY]
    return draft.lanes


def _remember() -> None:
    """Let the browser keep the draft for the next page that opens. Refused values are left out."""
    draft: RaceDraft = st.session_state[_KEY]
    lanes = [
        {name: value for name, value in lane.values.items() if not range_problem(SETTINGS[name], value)}
        for lane in draft.lanes
    ]
    kept = {"differing": draft.differing, "lanes": lanes, "epochs": draft.epochs, "base": draft.base}
    browser_memory.remember(_KEY, kept)


def read_kept(kept: Mapping[str, Any], config: TrainConfig) -> RaceDraft:
    """Return what can be read of a cookie's content, which may come from anywhere; three learning rates otherwise."""
    named, listed = kept.get("differing"), kept.get("lanes")
    names = [name for name in named if name in RACEABLE] if isinstance(named, list) else []
    names = list(dict.fromkeys(names))[:MAX_DIFFERING] or ["lr"]
    rows = [row for row in listed if isinstance(row, dict)][:MAX_LANES] if isinstance(listed, list) else []
    rows = rows if len(rows) >= MIN_LANES else [{}, {}, {}]
    suggested = {name: suggest(name, getattr(config, name), len(rows)) for name in names}
    lanes = [
        Lane(place, {name: _kept_value(name, row.get(name), suggested[name][place]) for name in names})
        for place, row in enumerate(rows)
    ]
    epochs, base = kept.get("epochs"), kept.get("base")
    length = epochs if isinstance(epochs, int) and not range_problem(SETTINGS["epochs"], epochs) else 0
    return RaceDraft(names, lanes, length, base if base in BASES else ON_TRAIN)


def _kept_value(name: str, value: object, default: Any) -> Any:
    if not isinstance(value, str | int | float) or range_problem(SETTINGS[name], value):
        return default
    return SETTINGS[name].validate(value)
