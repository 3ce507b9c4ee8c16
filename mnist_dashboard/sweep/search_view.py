"""The view of a search: its board and its analysis, live, with the actions on it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from mnist_core.config import SETTINGS
from mnist_core.errors import DamagedSweepError, SweepNotFoundError
from mnist_core.formatting import format_time
from mnist_core.records import Sweep
from mnist_core.sweeps.control import shown_status
from mnist_core.sweeps.spec import SweepSpec
from mnist_dashboard import services
from mnist_dashboard.components.sweep_analysis import sweep_analysis
from mnist_dashboard.components.sweep_board import sweep_board
from mnist_dashboard.components.sweep_strip import sweep_strip
from mnist_dashboard.sweep import place, search_actions
from mnist_dashboard.ui import markdown, messages

EMPTY = "No search yet. Set the ranges and press Start search."
EMPTY_FOR_VIEWERS = "No search yet. It appears here as soon as the owner starts one."


def list_sweeps() -> list[Sweep]:
    """Return the searches, the newest first, without those that have ended and whose runs are all in the bin or purged.

    One that has ended before its first run is listed: it says why.
    """
    sweeps = services.current().sweeps
    begun = sweeps.list_begun()
    kept = {run.sweep_id for run in services.current().all_runs.list_sound_runs()}

    def is_deleted(sweep: Sweep) -> bool:
        return sweep.status.is_finished and sweep.id not in kept and sweep.id in begun

    return [sweep for sweep in reversed(sweeps.list_sweeps()) if not is_deleted(sweep)]


def find_sweep(sweep_id: int | None) -> Sweep | None:
    """Return the sweep with this number, else the newest that is active, else the newest; None if there is none."""
    if sweep_id is not None:
        try:
            return services.current().sweeps.get_sweep(sweep_id)
        except (SweepNotFoundError, DamagedSweepError):
            pass
    listed = list_sweeps()
    return next((sweep for sweep in listed if shown_status(sweep).is_active), next(iter(listed), None))


def render_search(sweep_id: int | None, *, may_act: bool) -> None:
    """Draw a search; None stands for the newest one that is active, else the newest."""
    sweep = find_sweep(sweep_id)
    if sweep is None:
        messages.render()
        st.caption(EMPTY if may_act else EMPTY_FOR_VIEWERS)
        return
    try:
        SweepSpec.of(sweep)
    except DamagedSweepError as error:
        messages.render()
        st.error(markdown.escape(str(error)), icon=":material/error:")
        _render_others(sweep)
        return
    with st.container(key="header"):
        sweep_strip(sweep, may_act=may_act, on_apply=partial(search_actions.apply_to_sliders, sweep))
        with st.container(key="outcome"):
            if not messages.render() and sweep_id not in (None, sweep.id):
                st.warning(f"There is no search {sweep_id}. Showing the latest instead.", icon=":material/info:")
    search_actions.render_action_row(sweep)
    sweep_board(sweep.id)
    sweep_analysis(sweep.id, may_act=may_act, on_narrow=search_actions.narrow_search)
    _render_others(sweep)


def _render_others(shown: Sweep) -> None:
    """The choice of another search, once there are several."""
    sweeps = {sweep.id: sweep for sweep in [*list_sweeps(), shown]}
    if len(sweeps) < 2:
        return

    def choose() -> None:
        place.go_to(place.Place(sweep=st.session_state["search_shown"]))

    st.session_state["search_shown"] = shown.id
    with st.container(width=520, key="other_searches"):
        st.selectbox(
            "Searches",
            list(sweeps),
            format_func=lambda sweep_id: _describe(sweeps[sweep_id]),
            key="search_shown",
            on_change=choose,
            filter_mode=None,
        )


def _describe(sweep: Sweep) -> str:
    """Name a search with what it searches, and when it started.

    Without what may change, such as its status: the browser keeps the text that was chosen, and would send one that no
    search has any more.
    """
    try:
        spec = SweepSpec.of(sweep)
    except DamagedSweepError:
        return f"{sweep.name}: its settings cannot be read"
    searched = ", ".join(SETTINGS[parameter.name].sentence_label for parameter in spec.parameters)
    return f"{sweep.name}: {searched}, started {format_time(sweep.created_at)}"
