"""The Train page: settings in the sidebar, and one run in full, live, in one of several views."""

from __future__ import annotations

from functools import partial

import streamlit as st

from mnist_core.analysis.smoothing import DEFAULT_SMOOTHING
from mnist_core.records import Run, RunStatus
from mnist_dashboard import access, services
from mnist_dashboard.components.status_strip import IdleRun, status_strip
from mnist_dashboard.draw import draw_view
from mnist_dashboard.feed.summaries.run_summary import RunSummary, summarize_run
from mnist_dashboard.inside import inside_view
from mnist_dashboard.mistakes import mistakes_view
from mnist_dashboard.run_page import curves, details, header, view_switch
from mnist_dashboard.train import run_actions
from mnist_dashboard.train.expected_dataset import expected_dataset, expected_images
from mnist_dashboard.train.settings import sidebar
from mnist_dashboard.train.settings.draft import Draft, read_draft
from mnist_dashboard.train.shown_run import find_run_to_show
from mnist_dashboard.ui import glossary, headings, messages, queue
from mnist_dashboard.ui.state import place, run_address, stale_widgets, view_settings

HINT = "Set the sliders and press Start training, or try an experiment. The first curve appears within a second."
HINT_FOR_VIEWERS = "No runs yet. They appear here as soon as the owner starts one."

# ---------------------------------------------------------------------- parts of the page


def render_sidebar(draft: Draft, run: Run | None, unfinished: list[Run], *, may_act: bool) -> None:
    """The settings, and the runs in the queue."""
    sidebar.render_sidebar(draft, run, unfinished, run_actions.start_run, may_act=may_act)
    with st.sidebar:
        queue.render_queue_line()
    stale_widgets.mark_values_sent()


def show_test_mistakes(run_id: int, cell: str) -> None:
    """Show the images of a cell in the run's last test."""
    place.go_to(run_id, place.Place.read({"split": "test", "cell": cell}))
    view_switch.show("mistakes")


def render_strip(run: Run | None, summary: RunSummary | None, idle: IdleRun, view: view_switch.View) -> None:
    """The status of the run, and below it one sentence; the outcome of the last action takes its place."""
    smoothing = view_settings.read().smoothing
    with st.container(key="header"):
        status_strip(
            summary,
            idle=idle,
            unfinished=unfinished,
            smoothing=DEFAULT_SMOOTHING if smoothing is None else smoothing,
            may_act=access.may_act(),
            follows_numbers=view == "details",
            follows_others=not run_address.run_id(),
            compact=view != "curves",
            on_remedy=partial(run_actions.apply_remedy, run.id if run else 0),
            on_see=partial(show_test_mistakes, run.id if run else 0),
        )
        header.render_outcome(run)


# ---------------------------------------------------------------------- the page
run_address.receive_view()
unfinished = services.current().queries.list_unfinished_runs()
run = find_run_to_show(unfinished)
unfinished = [other for other in unfinished if not other.damage]
sound_run = None if run and run.damage else run
draft = read_draft()
may_act = access.may_act()
can_steer = may_act and sound_run is not None and sound_run.status in (RunStatus.RUNNING, RunStatus.PAUSED)
render_sidebar(draft, sound_run, unfinished, may_act=may_act)

config = sound_run.config if sound_run else draft.config
total_steps = (sound_run.total_steps if sound_run else 0) or config.total_steps(expected_images(config))
summary = summarize_run(sound_run, unfinished) if sound_run else None
idle: IdleRun = {
    "epochs": config.epochs,
    "total_steps": total_steps,
    "detail": expected_dataset(config.dataset).description,
    "hint": HINT if may_act else HINT_FOR_VIEWERS,
}
headings.render_page_heading("Train", summary)
messages.enter_view(view_switch.current_view())
render_strip(run, summary, idle, view_switch.current_view())
header.render_action_row(sound_run, unfinished)
with st.container(horizontal=True, vertical_alignment="center", gap="small", key="switch"):
    view = view_switch.render_view_switch()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content", key="view_controls"):
        if view in ("mistakes", "inside"):
            glossary.render_labelled_glossary()
        if view == "details" and run:
            details.render_controls(run)
        judges = draw_view.render_controls(run) if view == "draw" else []
        previous = curves.previous_run(sound_run) if view == "curves" else None
        smoothing = curves.render_controls(total_steps, previous) if view == "curves" else 0.0
        other = mistakes_view.render_controls(sound_run) if view == "mistakes" else None
        if view == "inside":
            inside_view.render_controls(sound_run, on_draw=partial(view_switch.show, "draw"))
# Each view has a container of its own: the browser would rebuild elements that change places, and make charts flicker.
places = {name: st.container(key=f"view_{name}") for name in view_switch.VIEWS}
with places[view]:
    if view == "details":
        details.render_details(run)
    elif view == "draw":
        draw_view.render_draw(sound_run, judges)
    elif view == "mistakes":
        mistakes_view.render_mistakes(sound_run, other, on_look_inside=partial(view_switch.show, "inside"))
    elif view == "inside":
        inside_view.render_inside(sound_run, on_show_mistakes=partial(view_switch.show, "mistakes"))
    else:
        curves.render_curves(
            sound_run,
            summary,
            config,
            previous=previous,
            total_steps=total_steps,
            smoothing=smoothing,
            can_steer=can_steer,
        )
