"""The details of one run, on their own page and on the Runs page: what it is, its results, settings and origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import streamlit as st

from mnist_core import labels
from mnist_core.checkpoints.ownership import recorded_checkpoints
from mnist_core.errors import DamagedRunError, RunNotFoundError, SweepNotFoundError
from mnist_core.exports.train_command import train_command
from mnist_core.formatting import format_bytes
from mnist_core.network_names import OwnNetwork
from mnist_core.records import FileKind, Run, RunStatus
from mnist_core.runs import lineage
from mnist_core.runs.races import race_name
from mnist_core.system.paths import PROGRAM
from mnist_core.training.networks.own.files import describe_changes
from mnist_dashboard import access, services
from mnist_dashboard.details import annotations_form, fact_tables
from mnist_dashboard.ui import headings, markdown, messages
from mnist_dashboard.ui.state import run_address
from mnist_dashboard.ui.tables import render_table

EMPTY_TEXT = "Select a run to see its settings and results, and to write notes on it."

MAX_CHILDREN = 10
"""Maximum number of links to runs that were made from this one."""


def render_selected(selected: Sequence[Run]) -> None:
    """Draw the details of one of the selected runs; with several, the user chooses which."""
    if not selected:
        st.info(EMPTY_TEXT, icon=":material/description:")
        return
    by_id = {run.id: run for run in selected}
    run_id = selected[0].id
    if len(selected) > 1:
        if (
            st.session_state.get("details_run") not in by_id
        ):  # not selected any more, or renamed: the browser sends names
            st.session_state.pop("details_run", None)
        run_id = st.selectbox(
            "Run", list(by_id), format_func=lambda run_id: by_id[run_id].name, key="details_run", width=320
        )
    render_run(by_id[run_id])


def render_run(run: Run) -> None:
    """Draw the details of one run; of a damaged one, what is damaged and a button to delete it."""
    if not run.damage:
        try:
            _render_sound_run(run)
            return
        except DamagedRunError:
            run = services.current().queries.get_run(run.id)
    _render_damaged_run(run)


def _render_damaged_run(run: Run) -> None:
    st.error(f"{markdown.escape(run.name)} is damaged. {markdown.escape(run.damage)}", icon=":material/error:")
    if access.may_act() and not run.deleted_at:
        actions = services.current().actions
        messages.action_button(
            f"Delete {markdown.escape(run.name)}",
            "delete",
            lambda: actions.delete_runs([run.id]),
            success=f"Deleted {markdown.escape(run.name)}.",
        )


def _render_sound_run(run: Run) -> None:
    left, right = st.columns([1.2, 1], gap="large")
    with left:
        # In a container: what comes and goes with the status must not move the form, which would lose what is typed.
        with st.container(gap="small"):
            _render_status(run)
        _render_annotations(run)
        _render_lineage(run)
        _render_results(run)
    with right:
        _render_settings_and_provenance(run)


def _render_status(run: Run) -> None:
    """The run's status, the reason for it and what else the user should know."""
    parts = [run.status.label, f"learns {markdown.escape(run.dataset)}" if run.dataset else ""]
    parts += ["starred" if run.starred else "", "archived" if run.archived else ""]
    parts += ["unverified" if run.unverified else ""]
    st.markdown(", ".join(filter(None, parts)) + ".")
    if run.reason:
        if run.status is RunStatus.COMPLETED:
            st.caption(markdown.escape(run.reason))
        else:
            st.error(markdown.escape(run.reason), icon=":material/error:")
    if run.notice:
        st.caption(markdown.escape(run.notice))
    if run.sweep_id:
        _render_search_link(run)
    if run.race_id:
        _render_race_link(run)
    if run.unverified:
        st.caption(f":material/gpp_maybe: {markdown.escape(_unverified_text(run))}")


def _render_search_link(run: Run) -> None:
    """A link to the search that a run is a trial of."""
    try:
        sweep = services.current().sweeps.get_sweep(run.sweep_id or 0)
    except SweepNotFoundError:  # a run that was imported
        return
    st.page_link(
        "pages/sweep.py",
        label=f"Trial {run.trial} of {markdown.escape(sweep.name)}",
        icon=":material/tune:",
        query_params={"sweep": str(sweep.id)},
    )


def _render_race_link(run: Run) -> None:
    """A link to the race that a run is a lane of."""
    st.page_link(
        "pages/sweep.py",
        label=f"A lane of {race_name(run.race_id or 0)}",
        icon=":material/flag:",
        query_params={"race": str(run.race_id)},
    )


def _unverified_text(run: Run) -> str:
    return (
        "Unverified: its test results were imported, and there are no labels here to check them with. "
        f"Train a run on {run.dataset or 'the same dataset'} here: its labels check them."
    )


def _render_annotations(run: Run) -> None:
    """Name, tags and notes, which owners can edit."""
    if access.may_act():
        annotations_form.render(run)
    else:
        headings.panel_heading(markdown.escape(run.name))
        if run.tags:
            st.caption(markdown.escape(", ".join(run.tags)))
    if run.notes:
        with st.container(border=True):
            st.markdown(markdown.sanitize_notes(run.notes))


def _render_lineage(run: Run) -> None:
    """Links to the parent and the children of the run, and its checkpoints."""
    queries = services.current().queries
    if run.parent_id:
        relation = f"Continues from step {run.parent_step} of" if run.parent_step is not None else "Replays"
        try:
            _render_run_link(relation, queries.get_run(run.parent_id))
        except RunNotFoundError:
            st.markdown(f"{relation} run {run.parent_id}, which is deleted.")
    if run.parent_step:
        rates = [f"{rate:.2g}" for rate in queries.read_rates_at(run.id, run.parent_step)]
        if len(set(rates)) > 1:
            st.caption(f"Its learning rate went from {rates[0]} to {rates[1]} after that step.")
    children = queries.list_children(run.id)
    for child in children[:MAX_CHILDREN]:
        step = child.parent_step
        _render_run_link(f"Continued from step {step} as" if step is not None else "Replayed as", child)
    if len(children) > MAX_CHILDREN:
        st.caption(f"{len(children) - MAX_CHILDREN} more runs were made from this one.")
    if steps := lineage.fork_points(queries, run):
        st.caption(f"{labels.CHECKPOINTS} to continue from: {', '.join(f'step {step}' for step in steps)}.")
    elif run.status.is_finished:
        source = queries.find_network(run.config.model)
        again = ", forked or trained again" if source and not source.is_own else " or forked, but trained again"
        st.caption(f"{labels.CHECKPOINTS}: none here. The run cannot be continued{again}.")
    if snapshots := recorded_checkpoints(queries, run, FileKind.SNAPSHOT):
        st.caption(f"{labels.SNAPSHOTS} of its weights: {len(snapshots)}, {format_bytes(_total_size(snapshots))}.")


def _total_size(files: Mapping[int, Path]) -> int:
    size = 0
    for path in files.values():
        with suppress(OSError):  # a trainer has replaced it meanwhile
            size += path.stat().st_size
    return size


def _render_run_link(relation: str, run: Run) -> None:
    st.page_link(
        "pages/train.py",
        label=f"{relation} {markdown.escape(run.name)}",
        icon=":material/account_tree:",
        query_params={run_address.RUN: str(run.id), run_address.VIEW: "details"},
    )


def _render_results(run: Run) -> None:
    headings.panel_heading(labels.RESULTS)
    render_table(fact_tables.results(run))
    headings.panel_heading(labels.CHANGES)
    if changes := fact_tables.interventions(run):
        render_table(changes)
    else:
        st.caption("None: its settings stayed the same.")


def _render_network_source(run: Run) -> None:
    """The code of a user's own network, as text."""
    if not OwnNetwork.parse(run.config.model):
        return
    headings.panel_heading(labels.NETWORK_SOURCE)
    source = services.current().queries.find_network(run.config.model)
    if source is None:
        st.caption("It is not recorded here.")
        return
    if not source.is_own:
        st.caption("It came with the imported run. It is shown to be read, and never run here.")
    elif changes := describe_changes(source):
        st.caption(markdown.escape(changes))
    with st.expander(f"{source.file}, SHA-256 {source.sha256[: fact_tables.CHECKSUM_LENGTH]}"):
        st.code(source.text, language="python", line_numbers=True)


def _render_settings_and_provenance(run: Run) -> None:
    headings.panel_heading(labels.SETTINGS)
    render_table(fact_tables.settings(run))
    _render_network_source(run)
    headings.panel_heading(labels.ENVIRONMENT)
    if run.provenance is None:
        st.caption("Code, packages, machine and data are recorded when training begins.")
        return
    render_table(fact_tables.provenance(run.provenance))
    headings.panel_heading(labels.TRAIN_AGAIN)
    st.caption("In a terminal, from the folder of the program.")
    st.code(train_command(run), language="sh", wrap_lines=True)
    headings.panel_heading(labels.REPLAY_EXACTLY)
    st.caption("With the changes during the run; it checks that the result is the same.")
    st.code(f"{PROGRAM} rerun {run.id}", language="sh")
