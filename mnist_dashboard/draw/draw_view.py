"""The view Draw: the reader's own digit, as this run and up to three others read it."""

from __future__ import annotations

import streamlit as st

from mnist_core.records import Run
from mnist_core.training.epoch_ends import epoch_ends
from mnist_dashboard import access, services
from mnist_dashboard.components.draw import MAX_JUDGES, Judge, draw
from mnist_dashboard.components.judges import judges
from mnist_dashboard.draw import kept_drawings

MAX_OFFERED = 200
"""Runs in the list "Add a run", the newest first."""

_OTHERS_KEY = "other_judges"


def render_controls(run: Run | None) -> list[Judge]:
    """Draw the choice of the runs that judge, and return them: first the run of the page, unless it is damaged.

    There are none while no run has saved weights.
    """
    names = services.current().queries.list_runs_with_weights()
    if run and run.damage:
        names.pop(run.id, None)
    elif run and names:
        names[run.id] = run.name
    if not names:
        return []
    first = run.id if run and run.id in names else next(iter(names))
    chosen = [first, *(run_id for run_id in _other_judges() if run_id in names and run_id != first)][:MAX_JUDGES]
    offered = [run_id for run_id in names if run_id not in chosen][:MAX_OFFERED]
    result = [Judge(id=run_id, name=names[run_id]) for run_id in chosen]
    judges(result, [Judge(id=run_id, name=names[run_id]) for run_id in offered], on_choose=_keep_other_judges)
    return result


def render_draw(run: Run | None, chosen: list[Judge]) -> None:
    """Draw the view of a run, with the runs that judge."""
    draw(
        chosen,
        total_steps=run.total_steps if run else 0,
        epochs=epoch_ends(run.config, run.train_images, run.interventions) if run and run.train_images else (),
        may_keep=access.may_act(),
        kept_version=kept_drawings.version(),
        on_keep=kept_drawings.keep,
        on_edit=kept_drawings.edit,
        on_delete=kept_drawings.delete,
    )


def _other_judges() -> list[int]:
    others: list[int] = st.session_state.get(_OTHERS_KEY, [])
    return others


def _keep_other_judges(ids: list[object]) -> None:
    st.session_state[_OTHERS_KEY] = [run_id for run_id in ids if isinstance(run_id, int)][: MAX_JUDGES - 1]
