"""What stands above every view of a run: its status strip with one sentence, and one row of actions.

Everything has a fixed height, so that elements that come and go with the run's status move nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mnist_core.records import Run
from mnist_dashboard import access, services
from mnist_dashboard.components.audience import audience
from mnist_dashboard.components.overflow_menu import overflow_menu
from mnist_dashboard.train import experiments_view, run_actions
from mnist_dashboard.train.shown_run import other_run_in_progress
from mnist_dashboard.ui import markdown, messages
from mnist_dashboard.ui.sharing import share_popover
from mnist_dashboard.ui.state import run_address


def render_outcome(run: Run | None) -> None:
    """The outcome of the last action, or what is wrong with the address or the run. It covers the sentence."""
    with st.container(key="outcome"):
        if messages.render():
            return
        if missing := run_address.missing_run():
            name = markdown.escape(missing)
            st.warning(f"There is no run {name}. Showing the latest instead.", icon=":material/info:")
        elif run and run.damage:
            st.error(f"{markdown.escape(run.name)} is damaged. {markdown.escape(run.damage)}", icon=":material/error:")
        elif run and run.deleted_at:
            text = f"{markdown.escape(run.name)} is in the bin. Restore it on the Runs page."
            st.warning(text, icon=":material/delete:")


def render_action_row(run: Run | None, unfinished: Sequence[Run]) -> None:
    """Actions on the run for owners; who is watching, and Share.

    The row shows as many actions as fit, and ⋯ the others: see the style sheet. Each action has a container of its own,
    drawn or not, so that the form behind one stays open when the others change with the status of the run.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="tools"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False, key="actions"):
            if run and access.may_act():
                _render_actions(run, unfinished)
            elif services.current().queries.latest_run() is None:
                experiments_view.render_popover("Try an experiment")
            overflow_menu()
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content", key="sharing"):
            audience(may_act=access.may_act())
            share_popover.render_share_popover()


def _render_actions(run: Run, unfinished: Sequence[Run]) -> None:
    actions = run_actions.run_actions(run)
    places = [st.container(key="first_action")]
    with st.container(horizontal=True, gap="small", key="more_actions"):
        places.append(st.container(key="second_action"))
        with st.container(horizontal=True, gap="small", key="rest_of_actions"):
            places += [st.container(key="third_action"), st.container(key="fourth_action")]
            fork, replay, other = (st.container(key=key) for key in ("fork", "replay", "other_run"))
    for place, action in zip(places, actions, strict=False):
        with place:
            action()
    for place, later in ((fork, run_actions.fork_action(run)), (replay, run_actions.replay_action(run))):
        if later:
            with place:
                later()
    if in_progress := other_run_in_progress(run, unfinished):
        with other:
            st.button(
                "Show the run in progress",
                icon=":material/visibility:",
                help=f"Shows {markdown.escape(in_progress.name)}, and then whatever trains.",
                on_click=run_address.follow,
            )
