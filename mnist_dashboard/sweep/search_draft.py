"""The search that the form describes: its values, what is wrong with them, and the search that they make.

The values live in the session, apart from the widgets, whose own state Streamlit forgets when the page changes. The
browser keeps those that are not the defaults. Their names are those of the fields: `trials`, or `lr.low`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from mnist_core import presets
from mnist_core.config import SETTINGS
from mnist_core.errors import ConfigError
from mnist_core.setting import Setting
from mnist_core.sweeps.space import NOT_SEARCHED, Parameter, Range, Values
from mnist_core.sweeps.spec import NUMBERS, OBJECTIVES, PRUNERS, SAMPLERS, SweepSpec
from mnist_core.system import machine
from mnist_dashboard import access
from mnist_dashboard.train.settings.draft import Draft
from mnist_dashboard.ui.number_field import range_problem
from mnist_dashboard.ui.state import browser_memory

MEMORY = "search"
"""Name of the form in the browser's memory."""

_KEY = "search_draft"

OWN_FIELDS = ("train_fraction", "epochs")
"""Settings with which the form trains its trials, whatever Train says: they decide how many fit into the time."""

NEVER_TAKEN = ("save_model", "skip_test")
"""Settings that trials do not take over from Train: they are not models to keep, and must not see the test images."""

MAIN_ROWS = ("lr", "momentum", "batch_size", "model")
"""Settings that always have a row; others have one while they are searched."""

SEARCHABLE = tuple(
    name for name in dict.fromkeys((*MAIN_ROWS, *SETTINGS)) if name not in NOT_SEARCHED and name not in OWN_FIELDS
)
"""Settings that the form can search, in the order of its rows."""

LOGARITHMIC = ("lr", "batch_size", "weight_decay")
"""Settings whose ranges are logarithmic: equal ratios matter equally."""

FIRST_RANGES = {
    "lr": (0.001, 0.3),
    "momentum": (0.5, 0.95),
    "batch_size": (32, 256),
    "weight_decay": (0.00001, 0.01),
    "label_smoothing": (0.0, 0.2),
    "max_shift": (0, 2),
    "gamma": (0.3, 1.0),
}
"""Ranges that a row begins with; others begin with all that the setting accepts."""

FIRST_VALUES: Mapping[str, list[Any]] = {"model": ["classic", "compact", "mlp"]}
"""Values that a row begins with; others begin with all choices."""

CHOICES: Mapping[str, Mapping[str, str]] = {"objective": OBJECTIVES, "sampler": SAMPLERS, "pruner": PRUNERS}

DEFAULTS: Mapping[str, Any] = {
    "objective": "accuracy",
    "target": 97.0,
    "trials": 40,
    "minutes": 2.0,
    "sampler": "tpe",
    "pruner": "hyperband",
    "seeds": 1,
    "workers": machine.cores(),
    "train_fraction": 0.1,
    "epochs": 2,
}

_TARGET = Setting("target", "Target, %", "The validation accuracy that ends a trial, in percent.", 97.0, 10.0, 100.0)
_POINTS = Setting("points", "Points", "How many values of the range the grid has.", 5, 2, 100)


@dataclass(frozen=True)
class SearchDraft:
    """The values of the form, checked."""

    values: dict[str, Any]
    """Each value as typed or chosen, valid or not; of a number, an empty text stands for none."""
    problems: Mapping[str, str]
    """What is wrong, by field; empty if the search can start."""
    spec: SweepSpec | None
    """The search; None if something is wrong."""

    @property
    def searched(self) -> tuple[str, ...]:
        """The settings that are to be searched."""
        return tuple(name for name in SEARCHABLE if self.values[f"{name}.on"])


def read_search(draft: Draft) -> SearchDraft:
    """Check the session's values. `draft` has the settings that are not searched."""
    values = _values()
    problems = _range_problems(values)
    if problems:
        return SearchDraft(values, problems, None)
    try:
        return SearchDraft(values, {}, build_spec(values, draft))
    except ConfigError as error:
        return SearchDraft(values, {error.field: str(error)}, None)


def change(name: str, value: Any) -> None:
    """Store the value of a field, and let the browser keep it."""
    _values()[name] = value
    _remember()


def narrow(parameters: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Search these ranges and values alone. Returns the settings that are searched now, and those that are left out.

    Of a number, a list becomes the range that it spans. A setting is left out if the form cannot search all of its
    values: it is not searched, and its row keeps the values that it had.
    """
    values = _values()
    for name in SEARCHABLE:
        fields = _narrowed_fields(name, parameters.get(name))
        values |= {f"{name}.on": bool(fields), **fields}
    _remember()
    searched = [name for name in SEARCHABLE if values[f"{name}.on"]]
    return searched, [name for name in SETTINGS if name in parameters and name not in searched]


def _narrowed_fields(name: str, wanted: object) -> dict[str, Any]:
    """Return what a row has that searches a range or list, which may come from a browser; nothing if none can."""
    try:
        match wanted:
            case {"low": low, "high": high} if is_range(name):
                return _range_fields(name, low, high)
            case [_, *_] if is_range(name):
                numbers = [SETTINGS[name].validate(number) for number in wanted]
                return _range_fields(name, min(numbers), max(numbers))
            case list() if is_acceptable(f"{name}.values", wanted):
                return {f"{name}.values": list(Values(name, tuple(wanted)).values)}
    except ConfigError:
        pass
    return {}


def _range_fields(name: str, low: Any, high: Any) -> dict[str, Any]:
    """Return the fields of a range. Raises `ConfigError` if the form cannot search it."""
    searched = Range(name, low, high, name in LOGARITHMIC)
    return {f"{name}.low": searched.low, f"{name}.high": searched.high}


def snapshot() -> dict[str, Any]:
    """Return a copy of the values, for `replace`."""
    return dict(_values())


def replace(values: Mapping[str, Any]) -> None:
    """Put back what `snapshot` returned."""
    _values().update(values)
    _remember()


def is_range(name: str) -> bool:
    """Whether a setting is searched in a range, rather than among values."""
    return not SETTINGS[name].choices and SETTINGS[name].kind is not bool


def field_setting(name: str) -> Setting | None:
    """Return the range of a number field; None if the field is no number."""
    setting, _, part = name.partition(".")
    if part in ("low", "high"):
        return SETTINGS[setting]
    if part == "points":
        return _POINTS
    if name == "target":
        return _TARGET
    return NUMBERS.get(name) or (SETTINGS[name] if name in OWN_FIELDS else None)


def may_be_empty(name: str) -> bool:
    """Whether a number may be left out: a search needs one of its two limits."""
    return name in ("trials", "minutes")


def all_values(name: str) -> list[Any]:
    """Return the values among which a setting can be searched."""
    return [False, True] if SETTINGS[name].kind is bool else list(SETTINGS[name].choices)


def is_acceptable(name: str, value: object) -> bool:
    """Whether a field may have this value, which may come from a forged cookie."""
    if setting := field_setting(name):
        return (value == "" and may_be_empty(name)) or not range_problem(setting, value)
    if name in CHOICES:
        return isinstance(value, str) and value in CHOICES[name]
    setting_name, _, part = name.partition(".")
    if part == "on":
        return isinstance(value, bool)
    choices = all_values(setting_name)
    return isinstance(value, list) and all(
        any(item is choice or item == choice for choice in choices) for item in value
    )


def build_spec(values: Mapping[str, Any], draft: Draft) -> SweepSpec:
    """Return the search that acceptable values describe. Raises `ConfigError` if they do not go together."""
    if draft.problems:
        name, problem = next(iter(draft.problems.items()))
        raise ConfigError(name, f"{problem} Correct it on Train.")
    own = {name: values[name] for name in OWN_FIELDS}
    train = {name: getattr(draft.config, name) for name in SETTINGS if name not in NEVER_TAKEN}
    parameters = tuple(_parameter(name, values) for name in SEARCHABLE if _is_searched(name, values, draft))
    searched = [parameter.name for parameter in parameters]
    fixed = {name: value for name, value in (train | own).items() if name not in searched}
    return SweepSpec(
        parameters=parameters,
        fixed={name: value for name, value in fixed.items() if value != SETTINGS[name].default},
        compare_with=train,
        objective=values["objective"],
        target=values["target"] / 100 if values["objective"] == "time" else None,
        trials=None if values["trials"] == "" else values["trials"],
        minutes=None if values["minutes"] == "" else values["minutes"],
        sampler=values["sampler"],
        pruner="none" if is_pruner_unused(values) else values["pruner"],
        seeds=values["seeds"],
        workers=values["workers"],
    )


def is_pruner_unused(values: Mapping[str, Any]) -> bool:
    """Whether the pruner that is chosen compares accuracies, and trials are judged by their time."""
    return values["objective"] == "time" and values["pruner"] in ("median", "hyperband")


def _is_searched(name: str, values: Mapping[str, Any], draft: Draft) -> bool:
    """Whether a setting is to be searched, and has an effect on some trial."""
    return bool(values[f"{name}.on"]) and (
        bool(values["optimizer.on"]) or bool(values["schedule.on"]) or presets.has_effect(name, draft.values)
    )


def _parameter(name: str, values: Mapping[str, Any]) -> Parameter:
    if not is_range(name):
        return Values(name, tuple(values[f"{name}.values"]))
    points = values[f"{name}.points"] if values["sampler"] == "grid" else 0
    return Range(name, values[f"{name}.low"], values[f"{name}.high"], name in LOGARITHMIC, points)


def _range_problems(values: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the numbers that are in use."""
    problems = {}
    for name, value in values.items():
        setting_name, _, part = name.partition(".")
        is_used = values[f"{setting_name}.on"] if part else name != "target" or values["objective"] == "time"
        is_used &= part != "points" or values["sampler"] == "grid"
        setting = field_setting(name)
        if setting and is_used and not is_acceptable(name, value):
            problems[name] = range_problem(setting, value)
    return problems


def _values() -> dict[str, Any]:
    """Return the session's dictionary, not a copy. A new session begins with what the browser has kept."""
    if _KEY not in st.session_state:
        kept = browser_memory.recall(MEMORY) if access.may_act() else None
        known = kept.items() if isinstance(kept, dict) else ()
        first = first_values()
        st.session_state[_KEY] = first | {
            name: value for name, value in known if name in first and is_acceptable(name, value)
        }
    values: dict[str, Any] = st.session_state[_KEY]
    return values


def first_values() -> dict[str, Any]:
    """Return the values with which the form begins."""
    values = dict(DEFAULTS)
    for name in SEARCHABLE:
        setting = SETTINGS[name]
        values[f"{name}.on"] = name in MAIN_ROWS[:3]
        if is_range(name):
            low, high = FIRST_RANGES.get(name, (setting.low, setting.high))
            values |= {f"{name}.low": setting.kind(low), f"{name}.high": setting.kind(high), f"{name}.points": 5}
        else:
            values[f"{name}.values"] = list(FIRST_VALUES.get(name, all_values(name)))
    return values


def _remember() -> None:
    first = first_values()
    kept = {name: value for name, value in _values().items() if value != first[name] and is_acceptable(name, value)}
    if kept or browser_memory.recall(MEMORY):
        browser_memory.remember(MEMORY, kept)
