"""The sidebar of a search: what is searched, by which measure, for how long and how, and Start search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from mnist_core import presets
from mnist_core.config import SETTINGS, choice_label
from mnist_core.formatting import format_duration
from mnist_core.sweeps.progress import confirming_share
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.trainer.speed import epoch_seconds
from mnist_dashboard import services
from mnist_dashboard.sweep import place
from mnist_dashboard.sweep import search_draft as drafts
from mnist_dashboard.sweep.search_draft import SearchDraft
from mnist_dashboard.sweep.search_fields import choice_field, number, range_slider, show, switch, values_field
from mnist_dashboard.train.expected_dataset import expected_images
from mnist_dashboard.train.settings.draft import Draft, read_draft
from mnist_dashboard.ui import markdown, messages
from mnist_dashboard.ui.formatting import format_count

HINT = "Tries settings by itself and stops those that fall behind."

BLANK = "&nbsp;"


def render_search_form(draft: Draft, *, may_act: bool) -> None:
    """Draw the form in the sidebar. `draft` has the settings that are not searched; viewers see the form disabled."""
    search = drafts.read_search(draft)
    form = _Form(search, disabled=not may_act)
    st.caption(HINT)
    with st.container(key="search_form", gap="small"):
        _render_goal(form)
        _render_method(form)
        st.markdown("**Search space**")
        for name in drafts.SEARCHABLE:
            if name in drafts.MAIN_ROWS or search.values[f"{name}.on"]:
                _render_row(name, form, draft)
        _render_add(form)
        st.caption(_describe_rest(search, draft))
    _render_start(search, may_act=may_act)


class _Form:
    """What the rows of the form show."""

    def __init__(self, search: SearchDraft, *, disabled: bool) -> None:
        self.values, self.problems, self.disabled = search.values, search.problems, disabled

    def number(self, name: str, **options: Any) -> None:
        number(name, self.values[name], problem=self.problems.get(name, ""), disabled=self.disabled, **options)

    def choice(self, name: str, label: str, help: str) -> None:
        choice_field(name, self.values[name], label=label, help=help, disabled=self.disabled)

    def render_problem(self, *names: str) -> None:
        """Say what is wrong with these fields, if something is."""
        for name in names:
            if problem := self.problems.get(name):
                st.caption(f":red[{markdown.escape(problem)}]")


# ---------------------------------------------------------------------- how to search


def _render_goal(form: _Form) -> None:
    form.choice("objective", "Objective", "By what trials are judged: always on validation images, never on test.")
    if form.values["objective"] == "time":
        form.number("target", step=0.5)
        form.render_problem("target")
    with st.container(horizontal=True, gap="small", wrap=False):
        form.number("trials", step=10, placeholder="No limit")
        form.number("minutes", step=1, placeholder="No limit")
    form.render_problem("trials", "minutes")


def _render_method(form: _Form) -> None:
    with st.container(horizontal=True, gap="small", wrap=False):
        form.choice(
            "sampler",
            "Sampler",
            "How values are chosen. TPE and the Gaussian process learn from the trials before; a grid tries all "
            "combinations.",
        )
        form.choice(
            "pruner",
            "Pruner",
            "Which trials end early. Median: those worse than half of the others at the same step. Hyperband: all but "
            "the best third, several times. Wilcoxon compares trials with several seeds.",
        )
    if drafts.is_pruner_unused(form.values):
        st.caption("A trial ends when it reaches the target: the pruner is not used.")
    form.render_problem("sampler", "pruner")
    with st.container(horizontal=True, gap="small", wrap=False):
        form.number("train_fraction", step=0.05)
        form.number("epochs", step=1)
    form.render_problem("train_fraction", "epochs")
    with st.expander(f"More{_summarize(form.values)}", key="search_more"):
        with st.container(horizontal=True, gap="small", wrap=False):
            form.number("seeds", step=1)
            form.number("workers", step=1)
        form.render_problem("seeds", "workers", "seed")


def _summarize(values: dict[str, Any]) -> str:
    """Say what the fields that may be out of sight hold."""
    workers, seeds = values["workers"], values["seeds"]
    return (
        f" :small[({workers} {'worker' if workers == 1 else 'workers'}, {seeds} {'seed' if seeds == 1 else 'seeds'})]"
    )


# ---------------------------------------------------------------------- what is searched


def _render_row(name: str, form: _Form, draft: Draft) -> None:
    setting, is_on = SETTINGS[name], form.values[f"{name}.on"]
    has_points = is_on and drafts.is_range(name) and form.values["sampler"] == "grid"
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, key=f"search_head_{name}"):
        switch(f"{name}.on", is_on, label=setting.label, disabled=form.disabled)
        if has_points:
            form.number(f"{name}.points", step=1, is_next_to_slider=True, which="points of the grid", width=64)
        else:
            st.caption(_describe_row(name, is_on=is_on, draft=draft), width="content")
    if not is_on:
        return
    if drafts.is_range(name):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
            form.number(f"{name}.low", step=0, is_next_to_slider=True, which="lowest value", width=62)
            range_slider(name, form.values[f"{name}.low"], form.values[f"{name}.high"], disabled=form.disabled)
            form.number(f"{name}.high", step=0, is_next_to_slider=True, which="highest value", width=62)
    else:
        values_field(f"{name}.values", form.values[f"{name}.values"], disabled=form.disabled)
    form.render_problem(name, f"{name}.low", f"{name}.high", f"{name}.points")


def _describe_row(name: str, *, is_on: bool, draft: Draft) -> str:
    if not is_on:
        value = getattr(draft.config, name)
        return choice_label(name, value) if SETTINGS[name].choices else f"{value:g}"
    if not presets.has_effect(name, draft.values):
        return "no effect"
    return "log" if name in drafts.LOGARITHMIC else ("" if drafts.is_range(name) else "values")


def _render_add(form: _Form) -> None:
    """A select box that gives another setting a row."""
    others = [name for name in drafts.SEARCHABLE if name not in drafts.MAIN_ROWS and not form.values[f"{name}.on"]]
    key = f"search_add_{len(others)}"  # a new one after each choice, without that choice

    def add() -> None:
        if name := st.session_state[key]:
            show(f"{name}.on", True)

    st.selectbox(
        "Add a setting",
        others,
        index=None,
        format_func=lambda name: SETTINGS[name].label,
        placeholder="Add a setting",
        key=key,
        on_change=add,
        label_visibility="collapsed",
        disabled=form.disabled,
    )


def _describe_rest(search: SearchDraft, draft: Draft) -> str:
    """Say which values the settings have that are not searched."""
    left_out = {*search.searched, *drafts.OWN_FIELDS, *drafts.NEVER_TAKEN}
    changed = {name: value for name, value in presets.changed_settings(draft.values).items() if name not in left_out}
    if draft.problems or not changed:
        return "Everything else as on Train: defaults."
    return f"Everything else as on Train: {markdown.escape(presets.describe_settings(changed))}."


# ---------------------------------------------------------------------- Start


def _render_start(search: SearchDraft, *, may_act: bool) -> None:
    problem = next(iter(search.problems.values()), "")
    note = f":red[{markdown.escape(problem)}]" if problem else _describe_size(search.spec)
    with st.container(key="settings_note"):
        st.caption(note or BLANK)
    st.button(
        "Start search",
        type="primary",
        width="stretch",
        shortcut="Ctrl+Enter",
        key="start",
        disabled=bool(problem) or not may_act,
        on_click=_start,
        help=markdown.escape(problem) or "Its trials are runs like others, and it goes on when this page is closed.",
    )


def _start() -> None:
    # The user may have typed a value and pressed Start before the page could show that the value is refused.
    search = drafts.read_search(read_draft())
    if search.spec:
        spec = search.spec
        messages.attempt(lambda: _start_and_show(spec))


def _start_and_show(spec: SweepSpec) -> None:
    sweep = services.current().sweep_actions.start_sweep(spec)
    place.go_to(place.Place(sweep=sweep.id))


def _describe_size(spec: SweepSpec | None) -> str:
    """Say how many trials there will be, and about how long they and the test of the winner take."""
    if spec is None:
        return ""
    parts = [f"The grid has {format_count(spec.grid_size)} points."] if spec.sampler == "grid" else []
    seconds, trials, limit = estimate_trial_seconds(spec), spec.max_trials, spec.minutes and 60 * spec.minutes
    if seconds is None:
        return " ".join([*parts, f"At most {format_duration(limit)}." if limit else ""])
    testing = confirming_share(spec) * seconds
    wanted = None if trials is None else trials * seconds + testing
    if limit is not None and (wanted is None or wanted > limit):
        possible = max(1, round((limit - testing) / seconds))
        parts.append(f"{format_duration(limit)}: about {_count_trials(possible)}.")
    elif wanted is not None and trials is not None:
        workers = f"{spec.workers} {'worker' if spec.workers == 1 else 'workers'}"
        parts.append(f"{_count_trials(trials)} on {workers}: about {format_duration(max(1, round(wanted)))}.")
    return " ".join(parts)


def _count_trials(trials: int) -> str:
    return f"{format_count(trials)} {'trial' if trials == 1 else 'trials'}"


def estimate_trial_seconds(spec: SweepSpec) -> float | None:
    """Estimate the time a trial takes of the search; None if this machine was not measured.

    Trials train side by side, with a thread each. Together they are about as fast as one run with all threads.
    """
    configs = [
        spec.config({parameter.name: value for parameter, value in zip(spec.parameters, values, strict=True)})
        for values in _corners(spec)
    ]
    seconds = [epoch_seconds(config, expected_images(config)) for config in configs]
    known = [config.epochs * value for config, value in zip(configs, seconds, strict=True) if value is not None]
    return spec.seeds * sum(known) / len(known) if len(known) == len(configs) else None


def _corners(spec: SweepSpec) -> Sequence[tuple[Any, ...]]:
    """Return the first and the last values of all parameters: the times of their trials span those of the others."""
    return [tuple(parameter.extremes[end] for parameter in spec.parameters) for end in (0, -1)]
