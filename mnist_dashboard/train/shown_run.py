"""Chooses the run that the Train page shows."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mnist_core.errors import RunNotFoundError
from mnist_core.records import Run
from mnist_dashboard import services
from mnist_dashboard.ui.state import run_address

_FOLLOWED_KEY = "followed_run"


def find_run_to_show(unfinished: Sequence[Run]) -> Run | None:
    """Return the run in the address, else the one to follow.

    A damaged run is only returned if it is in the address, or if there is no other.
    """
    if run := run_address.find_run():
        return run
    run = _run_to_follow([run for run in unfinished if not run.damage])
    st.session_state[_FOLLOWED_KEY] = run.id if run else None
    return run


def _run_to_follow(unfinished: Sequence[Run]) -> Run | None:
    """Return the run in progress or first in the queue, else the one that trained last.

    While several are in progress, it stays the one that was shown before.
    """
    followed = _followed_run()
    in_progress = [run for run in unfinished if run.status.is_active] or unfinished[:1]
    if followed and any(run.id == followed.id for run in in_progress):
        return followed
    if in_progress:
        return in_progress[0]
    queries = services.current().queries
    latest = queries.latest_run()
    if followed and latest and _ended_later(followed, latest):
        return followed
    return next(reversed(queries.list_sound_runs()), latest) if latest and latest.damage else latest


def _followed_run() -> Run | None:
    run_id = st.session_state.get(_FOLLOWED_KEY)
    if run_id is None:
        return None
    try:
        run = services.current().queries.get_run(run_id)
    except RunNotFoundError:
        return None
    return None if run.damage or run.deleted_at else run


def _ended_later(run: Run, other: Run) -> bool:
    """Return whether `run` was training later than `other`, which may have been removed from the queue."""
    return bool(
        run.finished_at and (other.started_at is None or not other.finished_at or run.finished_at > other.finished_at)
    )


def other_run_in_progress(run: Run, unfinished: Sequence[Run]) -> Run | None:
    """Return the run in progress if it is not `run`."""
    return next((other for other in unfinished if other.status.is_active and other.id != run.id), None)
