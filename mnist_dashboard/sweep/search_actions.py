"""What people do with a search: pause, stop and extend it, take over its settings, export and delete its runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from mnist_core.augmentations import fit_augmentation
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.records import Run, Sweep, SweepStatus
from mnist_core.sweeps.actions import More
from mnist_core.sweeps.control import shown_status
from mnist_core.sweeps.progress import describe_values
from mnist_core.sweeps.spec import SweepSpec
from mnist_dashboard import access, services
from mnist_dashboard.components.audience import audience
from mnist_dashboard.components.overflow_menu import overflow_menu
from mnist_dashboard.runs.export_import import render_export
from mnist_dashboard.sweep import place, search_draft, search_fields
from mnist_dashboard.train.settings.draft import load_config, read_draft
from mnist_dashboard.ui import markdown, messages
from mnist_dashboard.ui.sharing import share_popover

MORE_TRIALS, MORE_MINUTES = 20, 2.0
"""What one press adds to the budget."""


def render_action_row(sweep: Sweep) -> None:
    """Actions on the search for owners, export for everybody, and Share. What does not fit is behind ⋯."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="tools"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False, key="actions"):
            _render_actions(sweep)
            overflow_menu()
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content", key="sharing"):
            audience(may_act=access.may_act())
            share_popover.render_share_popover()


def list_runs(sweep: Sweep) -> list[Run]:
    """Return the runs of a search outside the bin, oldest first: from memory, for a search may have thousands."""
    return [run for run in services.current().all_runs.list_sound_runs() if run.sweep_id == sweep.id]


def _render_actions(sweep: Sweep) -> None:
    """Each action has a container of its own, as on the Train page: it keeps its place in narrow rows."""
    places = [st.container(key="first_action")]
    with st.container(horizontal=True, gap="small", key="more_actions"):
        places.append(st.container(key="second_action"))
        with st.container(horizontal=True, gap="small", key="rest_of_actions"):
            places += [st.container(key=f"{name}_action") for name in ("third", "fourth", "fifth")]
    for action_place, draw in zip(places, _actions(sweep), strict=False):
        with action_place:
            draw()


def _actions(sweep: Sweep) -> list[Callable[[], None]]:
    """Return what draws the actions that are possible now, the most important first."""
    status = shown_status(sweep)
    export = partial(render_export, list_runs(sweep), may_grow=not status.is_finished)
    if not access.may_act():
        return [export]
    extend, delete = partial(_render_extend, sweep), partial(_render_delete, sweep)
    if status.is_finished:
        return [extend, export, delete]
    can_resume = status in (SweepStatus.PAUSED, SweepStatus.INTERRUPTED)
    return [
        partial(_render_resume if can_resume else _render_pause, sweep),
        partial(_render_stop, sweep),
        extend,
        export,
    ]


def _render_resume(sweep: Sweep) -> None:
    resume = partial(services.current().sweep_actions.resume_sweep, sweep)
    messages.action_button("Resume", "play_arrow", resume, help="Goes on with the search.", type="primary")


def _render_pause(sweep: Sweep) -> None:
    messages.action_button(
        "Pause",
        "pause",
        partial(services.current().sweep_actions.pause_sweep, sweep),
        help="Pauses the trials after their current batch, and starts no more.",
        disabled=sweep.status is SweepStatus.STOPPING,
    )


def _render_stop(sweep: Sweep) -> None:
    is_stopping = sweep.status is SweepStatus.STOPPING
    messages.action_button(
        "Stopping" if is_stopping else "Stop",
        "stop",
        partial(services.current().sweep_actions.stop_sweep, sweep),
        help="Ends the search and keeps its trials. The best settings so far are not tested.",
        disabled=is_stopping,
    )


def _render_extend(sweep: Sweep) -> None:
    """A button that adds to the limits of the search. One with both limits gets more of both, or it might not go on."""
    spec = SweepSpec.of(sweep)
    trials = MORE_TRIALS if spec.max_trials is not None else 0
    if spec.sampler == "grid" and spec.max_trials is not None:
        trials = min(trials, spec.grid_size - spec.max_trials)  # a grid has no more trials than points
    more: More = {}
    if trials:
        more["trials"] = trials
    if spec.minutes is not None:
        more["minutes"] = MORE_MINUTES
    label = f"{trials or MORE_TRIALS} more trials" if spec.minutes is None else f"{MORE_MINUTES:g} more minutes"
    also = f" It may then have {trials} more trials." if len(more) > 1 else ""
    messages.action_button(
        label,
        "add",
        partial(services.current().sweep_actions.extend_sweep, sweep, more),
        help=f"Adds to the limit of the search, which goes on if it has ended.{also}"
        if more
        else "The search has a trial for each point of its grid already.",
        disabled=sweep.status is SweepStatus.STOPPING or not more,
    )


def _render_delete(sweep: Sweep) -> None:
    # With a key of its own: the next search that is shown must not have the popover of this one open.
    with st.popover("Delete", icon=":material/delete:", key=f"delete_search_{sweep.id}"):
        st.caption(
            f"Moves all runs of {markdown.escape(sweep.name)} to the bin. The search is listed again when one of them "
            "is restored on the Runs page."
        )
        messages.action_button(
            "Delete its runs",
            "delete",
            partial(_delete, sweep),
            type="primary",
            success=f"The runs of {markdown.escape(sweep.name)} are in the bin. Restore them on the Runs page.",
        )


def _delete(sweep: Sweep) -> None:
    services.current().actions.delete_runs([run.id for run in list_runs(sweep)])
    place.go_to(place.Place())


# ---------------------------------------------------------------------- settings that a search has found


def apply_to_sliders(sweep: Sweep, values: Mapping[str, Any]) -> None:
    """Put the settings of a trial into Next run on Train, and say so with Undo. `values` may come from a browser.

    Settings that the search has not varied stay as they are.
    """
    before = read_draft().config
    names = {parameter.name for parameter in SweepSpec.of(sweep).parameters}

    def apply() -> None:
        access.require_owner()
        chosen = _known(values, names)
        if not chosen:
            raise ConfigError("values", f"{sweep.name} has no such settings. Reload the page.")
        load_config(_with_values(before, chosen, names))

    messages.attempt(
        apply,
        lambda _: f"On Train, the sliders now have {markdown.escape(describe_values(_known(values, names)))}.",
        undo=lambda: load_config(before),
        undone="The sliders have their old values again.",
    )


def narrow_search(wanted: Mapping[str, Any]) -> None:
    """Put the ranges that an analysis found good into the form. `wanted` comes from a browser."""

    def narrow() -> tuple[list[str], list[str]]:
        access.require_owner()
        parameters, fixed = wanted.get("parameters"), wanted.get("fixed")
        if isinstance(fixed, Mapping):  # settings that the search leaves to Train
            load_config(_with_values(config, fixed, SETTINGS))
        return search_fields.narrow(parameters) if isinstance(parameters, Mapping) else ([], [])

    def undo() -> None:
        load_config(config)
        search_fields.restore(before)

    def describe(names: tuple[list[str], list[str]]) -> str:
        searched, left_out = (", ".join(SETTINGS[name].sentence_label for name in part) for part in names)
        texts = [f"The form now searches the good ranges of {searched}."] if searched else []
        if left_out:
            texts.append(
                f"{'It' if texts else 'The form'} cannot search the good values of {left_out}, and leaves them out."
            )
        return " ".join(texts)

    before, config = search_draft.snapshot(), read_draft().config
    messages.attempt(narrow, describe, undo=undo, undone="The form has its old ranges again.")


def _with_values(config: TrainConfig, values: Mapping[str, Any], names: Collection[str]) -> TrainConfig:
    """Return the settings with these values of settings among `names`. Raises `ConfigError` for unacceptable ones."""
    return replace(config, **fit_augmentation(_known(values, names), config.max_shift))


def _known(values: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in names}
