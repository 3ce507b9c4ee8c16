"""The view of a race: who leads, live, the lanes and their curves, with the actions on all of them."""

from __future__ import annotations

import streamlit as st

from mnist_core.analysis.smoothing import adapted_smoothing
from mnist_core.records import RunStatus
from mnist_core.runs.races import race_name
from mnist_dashboard import services
from mnist_dashboard.components.first_run import first_run
from mnist_dashboard.components.overflow_menu import overflow_menu
from mnist_dashboard.components.race import RaceLane, ShownRace, race_part
from mnist_dashboard.feed.summaries.run_summary import summarize_run
from mnist_dashboard.sweep import place, race_actions
from mnist_dashboard.sweep.race_list import STATUSES, Race, find_race, list_races
from mnist_dashboard.ui import markdown, messages
from mnist_dashboard.ui.sharing import share_popover
from mnist_dashboard.ui.state import run_address, view_settings

EMPTY = "No race yet. Choose what differs and press Start race."
EMPTY_FOR_VIEWERS = "No race yet. It appears here as soon as the owner starts one."

_OPENED_KEY = "race_lane_opened"
"""Session key of the run whose page the reader has asked for."""


def render_race(race_id: int | None, *, may_act: bool) -> None:
    """Draw a race; None stands for the newest one that trains, else the newest."""
    if st.session_state.pop(_OPENED_KEY, False):
        st.switch_page("pages/train.py")
    race = find_race(race_id)
    is_whole = race is not None and len(race.lanes) > 1
    shown = _shown(race, follows=race_id is None) if race and is_whole else None
    with st.container(key="header"):
        if shown:
            race_part("strip", shown, may_act=may_act, on_apply=race_actions.apply_lane)
        with st.container(key="outcome"):
            if not messages.render() and race_id is not None and (race is None or race.id != race_id):
                st.warning(f"There is no {race_name(race_id)}. Showing the latest instead.", icon=":material/info:")
    if race is None:
        st.caption(EMPTY if may_act else EMPTY_FOR_VIEWERS)
        first_run(in_race=True, key="first_race")
        return
    _render_tools(race, may_act=may_act)
    if not shown:
        only = f"Of {race.name} only {race.lanes[0].name} is left. The others may be in the bin of the Runs page."
        st.caption(markdown.escape(only))
    else:
        handlers = {"on_apply": race_actions.apply_lane, "on_stop": race_actions.stop_lane, "on_open": _open_lane}
        race_part("lanes", shown, may_act=may_act, **handlers)
        race_part("charts", shown, may_act=may_act)
    _render_earlier(race)


def _shown(race: Race, *, follows: bool) -> ShownRace:
    names = race.lane_names
    queue = services.current().queries.list_unfinished_runs()
    lanes: list[RaceLane] = [
        {"id": lane.id, "name": names[lane.id], "color": number, "link": f"./?run={lane.id}"}
        for number, lane in enumerate(race.lanes)
    ]
    smoothing = view_settings.read().smoothing
    longest = max(lane.total_steps for lane in race.lanes)
    return {
        "id": race.id,
        "name": race.name,
        "detail": race.detail,
        "lanes": lanes,
        "runs": [summarize_run(lane, queue) for lane in race.lanes],
        "statuses": list(STATUSES),
        "follows": follows,
        "smoothing": adapted_smoothing(longest) if smoothing is None else smoothing,
    }


def _open_lane(run_id: int) -> None:
    run_address.go_to_run(services.current().queries.get_run(run_id))
    st.session_state[_OPENED_KEY] = True


def _render_tools(race: Race, *, may_act: bool) -> None:
    """Actions on all lanes for owners, and Share. Each has a container of its own, as on the Train page."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="tools"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False, key="actions"):
            if may_act:
                _render_actions(race)
            overflow_menu()
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content", key="sharing"):
            if race.status is RunStatus.RUNNING:
                with st.container(key="race_note"):
                    st.caption("The lanes train in turn, batch by batch.")
            share_popover.render_share_popover()


def _render_actions(race: Race) -> None:
    actions = race_actions.race_actions(race)
    places = [st.container(key="first_action")]
    with st.container(horizontal=True, gap="small", key="more_actions"):
        places.append(st.container(key="second_action"))
        with st.container(horizontal=True, gap="small", key="rest_of_actions"):
            places += [st.container(key=key) for key in ("third_action", "fourth_action", "fork", "replay")]
    for where, action in zip(places, actions, strict=False):
        with where:
            action()


def _render_earlier(race: Race) -> None:
    """The choice of another race, once there are several."""
    races = {other.id: other for other in list_races()}
    if len(races) < 2:
        return

    def choose() -> None:
        place.go_to(place.Place(race=st.session_state["race_shown"]))

    st.session_state["race_shown"] = race.id

    def describe(race_id: int) -> str:
        other = races[race_id]
        # Without the status, which may change: the browser keeps the text that was chosen.
        return f"{other.name}: {', '.join(other.lane_names.values())}"

    with st.container(width=420, key="earlier_races"):
        st.selectbox("Races", list(races), format_func=describe, key="race_shown", on_change=choose, filter_mode=None)
