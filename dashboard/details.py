"""The Details view of one run: its name and notes, where it comes from, what it was made with, how to make it again."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import access, manage, prose, services
from mnist_core import lineage
from mnist_core.config import SETTINGS
from mnist_core.errors import RunNotFoundError
from mnist_core.labels import MAX_NAME_LENGTH, MAX_NOTES_LENGTH
from mnist_core.records import Provenance, Run

HOW = "Select a run to see what it was made with, and to write notes on it."


def view(selected: Sequence[Run]) -> None:
    """Everything about one of the selected runs."""
    if not selected:
        st.info(HOW, icon=":material/description:")
        return
    by_id = {run.id: run for run in selected}
    shown = selected[0].id
    if len(selected) > 1:
        shown = st.selectbox(
            "Run", list(by_id), format_func=lambda run_id: by_id[run_id].name, key="details_of", width=320
        )
    run = by_id[shown]
    left, right = st.columns([1.2, 1], gap="large")
    with left:
        _labels(run)
        _lineage(run)
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
                manage.attempt(
                    lambda: services.current().control.edit_run(run.id, name=name, notes=text, tags=wanted),
                    f"Saved {prose.literal(name)}.",
                )
                st.rerun()
    else:
        st.markdown(f"**{prose.literal(run.name)}**  {prose.literal(', '.join(run.tags))}")
    if run.notes:
        with st.container(border=True):
            st.markdown(prose.notes(run.notes))


def _lineage(run: Run) -> None:
    """The run it goes on from or repeats, those made from it, and the checkpoints to go on from."""
    store = services.current().store
    if run.parent_id:
        try:
            parent = prose.literal(store.get_run(run.parent_id).name)
        except RunNotFoundError:
            parent = f"run {run.parent_id}, which is deleted"
        how = f"Goes on from step {run.parent_step} of" if run.parent_step is not None else "Repeats"
        st.markdown(f"{how} [{parent}](./?run={run.parent_id}).")
    if children := store.list_children(run.id):
        names = ", ".join(f"[{prose.literal(child.name)}](./?run={child.id})" for child in children)
        st.markdown(f"Made from it: {names}.")
    if points := lineage.fork_points(run):
        st.caption(f"Checkpoints to go on from: {', '.join(f'step {step}' for step in points)}.")


def _made_with(run: Run) -> None:
    st.markdown("**Settings**")
    rows = [{"Setting": one.label, "Value": str(getattr(run.config, name))} for name, one in SETTINGS.items()]
    st.dataframe(rows, hide_index=True, height=280)
    if run.provenance is None:
        st.caption("What it was made with is written down when training begins.")
        return
    st.markdown("**Made with**")
    st.dataframe(_provenance(run.provenance), hide_index=True, height="content")
    st.markdown("**Train it again**, from the folder of the program")
    st.code(run.provenance.command, language="sh", wrap_lines=True)
    st.code(f"python -m mnist_core rerun {run.id}", language="sh")


def _provenance(made: Provenance) -> list[dict[str, str]]:
    commit = f"{made.commit[:12]}{', with changes that are in no commit' if made.is_dirty else ''}"
    rows = {
        "Code": commit if made.commit else "not from a git checkout",
        "Python": made.python,
        **made.packages,
        "System": made.platform,
        "Processor": made.processor,
        "Device": f"{made.device}, {made.precision}",
        "Threads": str(made.threads),
        "Seed": str(made.seed),
        "Dataset": made.dataset,
        "Dataset checksum": made.dataset_checksum[:16],
        "Test set checksum": made.test_checksum[:16],
    }
    return [{"What": name, "Value": value} for name, value in rows.items()]
