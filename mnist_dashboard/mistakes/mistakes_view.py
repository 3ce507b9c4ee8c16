"""The view Mistakes: which images a run reads wrong at each of its evaluations, alone or beside another run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import streamlit as st

from mnist_core.errors import RunNotFoundError
from mnist_core.records import Run, RunStatus
from mnist_dashboard import access, services
from mnist_dashboard.components.disagreement import disagreement
from mnist_dashboard.components.mistakes import mistakes
from mnist_dashboard.train import run_actions
from mnist_dashboard.ui import markdown
from mnist_dashboard.ui.state import place, run_address, stale_widgets

EMPTY_TEXT = "The images that a run reads wrong show here, from its first evaluation on."

_ALONE, _PAIR = "alone", "pair"
_SIDES = "mistakes_of"


def render_controls(run: Run | None) -> Run | None:
    """Draw the choice between the run alone and beside another; return the other run if it is to be shown.

    The other run is the one in the address, or else the run before on the same dataset.
    """
    other = _other_run(run) if run else None
    if run is None or other is None:
        run_address.show_other(None)
        return None
    key = stale_widgets.renewable_key(_SIDES)
    if key not in st.session_state or run_address.is_history_navigation():
        key = stale_widgets.show_in_widget(_SIDES, _PAIR if run_address.other_id() else _ALONE)
    labels = {_ALONE: run.name, _PAIR: f"{run.name} and {other.name}"}
    chosen = st.segmented_control(
        "Mistakes of",
        list(labels),
        format_func=lambda choice: markdown.escape(labels[choice]),
        required=True,
        key=key,
        label_visibility="collapsed",
    )
    shown = other if chosen == _PAIR else None
    run_address.show_other(shown)
    return shown


def _other_run(run: Run) -> Run | None:
    queries = services.current().queries
    named = run_address.other_id()
    if named and named != run.id:
        try:
            return queries.get_run(named)
        except RunNotFoundError:
            pass
    return queries.previous_run(run) if run.dataset else None


def render_mistakes(run: Run | None, other: Run | None, on_look_inside: Callable[[], object]) -> None:
    """Draw the view of a run, or of two; without one, say what it will show.

    `on_look_inside` is called when the reader wants to see an image in the view Inside, after the place is set.
    """
    if run is None:
        st.info(EMPTY_TEXT, icon=":material/grid_view:")
        return
    if other:
        disagreement({"id": run.id, "name": run.name}, {"id": other.id, "name": other.name}, on_open=_open_image)
        return

    def look_inside(values: dict[str, Any]) -> None:
        place.go_to_sent(values)
        on_look_inside()

    mistakes(
        run.id,
        place=asdict(place.current(run.id)),
        version=place.version(),
        may_evaluate=access.may_act() and run.status in (RunStatus.RUNNING, RunStatus.PAUSED),
        on_place=place.keep_sent,
        on_inside=look_inside,
        on_evaluate=lambda: run_actions.evaluate(run),
    )


def _open_image(values: dict[str, Any]) -> None:
    """Show one of the images that two runs fared differently with, in the test of the first run."""
    if isinstance(run_id := values.get("run"), int):
        place.go_to(run_id, place.Place.read({**values, "split": "test"}))
        stale_widgets.renew_widget(_SIDES, _ALONE)
