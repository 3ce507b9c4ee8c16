"""The view Mistakes: which images a run reads wrong at each of its evaluations, and what it takes them for."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import streamlit as st

from mnist_core.records import Run, RunStatus
from mnist_dashboard import access
from mnist_dashboard.components.mistakes import mistakes
from mnist_dashboard.train import run_actions
from mnist_dashboard.ui.state import place

EMPTY_TEXT = "The images that a run reads wrong show here, from its first evaluation on."


def render_mistakes(run: Run | None) -> None:
    """Draw the view of a run; without one, say what it will show."""
    if run is None:
        st.info(EMPTY_TEXT, icon=":material/grid_view:")
        return
    can_evaluate = access.may_act() and run.status in (RunStatus.RUNNING, RunStatus.PAUSED)
    mistakes(
        run.id,
        place=asdict(place.current(run.id)),
        version=place.version(),
        may_evaluate=can_evaluate,
        on_place=_keep_place,
        on_evaluate=lambda: run_actions.evaluate(run),
    )


def _keep_place(values: dict[str, Any]) -> None:
    if isinstance(run_id := values.get("run"), int):
        place.keep(run_id, place.Place.read({name: value for name, value in values.items() if value is not None}))
