"""The Details view of one run, on its page and on the Runs page: what it is, came to, was made with and came from."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mnist_core.annotations import MAX_NAME_LENGTH, MAX_NOTES_LENGTH
from mnist_core.errors import RunNotFoundError
from mnist_core.records import Run
from mnist_core.runs import lineage
from mnist_core.system.paths import PROGRAM
from mnist_dashboard import access, services
from mnist_dashboard.details import fact_tables
from mnist_dashboard.ui import markdown, messages

EMPTY_TEXT = "Select a run to see what it was made with, and to write notes on it."
MAX_CHILDREN = 10


def render_selected(selected: Sequence[Run]) -> None:
    """Everything about one of the selected runs."""
    if not selected:
        st.info(EMPTY_TEXT, icon=":material/description:")
        return
    by_id = {run.id: run for run in selected}
    shown = selected[0].id
    if len(selected) > 1:
        shown = st.selectbox(
            "Run", list(by_id), format_func=lambda run_id: by_id[run_id].name, key="details_of", width=320
        )
    render_run(by_id[shown])


def render_run(run: Run) -> None:
    """Everything about one run."""
    left, right = st.columns([1.2, 1], gap="large")
    with left:
        _status(run)
        _labels(run)
        _lineage(run)
        _results(run)
    with right:
        _made_with(run)


def _labels(run: Run) -> None:
    """Name, tags and notes; only owners get fields to write in."""
    if access.may_act():
        with st.form(f"labels_{run.id}", border=False):
            name = st.text_input("Name", run.name, max_chars=MAX_NAME_LENGTH)
            tags = st.text_input("Tags", ", ".join(run.tags), help="With commas between.")
            text = st.text_area(
                "Notes", run.notes, max_chars=MAX_NOTES_LENGTH, height=140, help="In Markdown; HTML is shown as text."
            )
            if st.form_submit_button("Save", icon=":material/save:"):
                wanted = [tag for tag in map(str.strip, tags.split(",")) if tag]
                messages.attempt(
                    lambda: services.current().actions.edit_run(run.id, name=name, notes=text, tags=wanted),
                    f"Saved {markdown.escape(name)}.",
                )
                st.rerun()
    else:
        st.markdown(f"**{markdown.escape(run.name)}**  {markdown.escape(', '.join(run.tags))}")
    if run.notes:
        with st.container(border=True):
            st.markdown(markdown.sanitize_notes(run.notes))


def _status(run: Run) -> None:
    """How it stands, and why."""
    parts = [run.status.label, f"learns {markdown.escape(run.dataset)}" if run.dataset else ""]
    parts += ["starred" if run.starred else "", "archived" if run.archived else ""]
    st.markdown(", ".join(filter(None, parts)) + ".")
    if run.reason:
        st.error(markdown.escape(run.reason), icon=":material/error:")
    if run.notice:
        st.caption(markdown.escape(run.notice))


def _lineage(run: Run) -> None:
    """The run it goes on from or repeats, those made from it, and the checkpoints to go on from."""
    queries = services.current().queries
    if run.parent_id:
        how = f"Goes on from step {run.parent_step} of" if run.parent_step is not None else "Repeats"
        try:
            _link(queries.get_run(run.parent_id), how)
        except RunNotFoundError:
            st.markdown(f"{how} run {run.parent_id}, which is deleted.")
    children = queries.list_children(run.id)
    for child in children[:MAX_CHILDREN]:
        step = child.parent_step
        _link(child, f"Went on from step {step} as" if step is not None else "Repeated as")
    if len(children) > MAX_CHILDREN:
        st.caption(f"{len(children) - MAX_CHILDREN} more were made from it.")
    if points := lineage.fork_points(run):
        st.caption(f"Checkpoints to go on from: {', '.join(f'step {step}' for step in points)}.")


def _link(run: Run, how: str) -> None:
    st.page_link(
        "pages/details.py",
        label=f"{how} {markdown.escape(run.name)}",
        icon=":material/account_tree:",
        query_params={"run": str(run.id)},
    )


def _results(run: Run) -> None:
    st.markdown("**Results**")
    st.dataframe(fact_tables.results(run), hide_index=True, height="content")
    st.markdown("**Changed while it was going**")
    if changes := fact_tables.interventions(run):
        st.dataframe(changes, hide_index=True)
    else:
        st.caption("Nothing: it was trained with its settings all the way.")


def _made_with(run: Run) -> None:
    st.markdown("**Settings**")
    st.dataframe(fact_tables.settings(run), hide_index=True, height="content")
    st.markdown("**Made with**")
    if run.provenance is None:
        st.caption("What it was made with is written down when training begins.")
        return
    st.dataframe(fact_tables.provenance(run.provenance), hide_index=True, height="content")
    st.markdown("**Train it again**, from the folder of the program")
    st.code(run.provenance.command, language="sh", wrap_lines=True)
    st.caption("The same with what was changed on the way, and a look at whether it came out the same:")
    st.code(f"{PROGRAM} rerun {run.id}", language="sh")
