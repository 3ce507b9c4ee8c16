"""The actions on the selected runs: train again, more seeds, star, tag, archive, delete. Also the bin."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from mnist_core import labels
from mnist_core.analysis.seed_groups import seed_group_key
from mnist_core.annotations import split_tags
from mnist_core.records import Run, RunStatus
from mnist_core.runs.retention import BIN_RETENTION
from mnist_dashboard import access, services
from mnist_dashboard.components.first_run import first_run
from mnist_dashboard.runs import export_import
from mnist_dashboard.train import experiments_view
from mnist_dashboard.train.settings import draft
from mnist_dashboard.ui import markdown, messages
from mnist_dashboard.ui.sharing import share_popover

_TAG_FORM = "tag form"
"""Place of messages on tags: inside their form."""

NEW_SEEDS = 3
"""Number of runs that the button for more seeds queues."""


def render_toolbar(selected: Sequence[Run]) -> None:
    """Draw the buttons for the selected runs, and the outcome of the last action."""
    if not access.may_act():
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="manage"):
            st.caption("You are watching: runs can be compared here, but not changed.", width="content")
            st.space("stretch")
            export_import.render_export(selected)
            share_popover.render_share_popover()
        messages.render()
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="manage"):
        _render_train_again(selected)
        _render_more_seeds(selected)
        _render_star(selected)
        _render_tag(selected)
        _render_archive(selected)
        _render_delete(selected)
        st.space("stretch")
        export_import.render_export(selected)
        export_import.render_import()
        experiments_view.render_popover()
        _render_bin(services.current().queries.list_deleted_runs())
        share_popover.render_share_popover()
    messages.render()


def render_empty_state() -> None:
    """Draw what a user can do while there are no runs: start one, import some, restore deleted ones."""
    first_run()
    if not access.may_act():
        st.info("No runs yet. They appear here as soon as the owner starts one.", icon=":material/info:")
        return
    deleted = services.current().queries.list_deleted_runs()
    st.info(
        "All runs are in the bin. Restore some, or start a new one on the Train page."
        if deleted
        else "No runs yet. Start one on the Train page.",
        icon=":material/info:",
    )
    st.page_link("pages/train.py", label="Go to the Train page", icon=":material/show_chart:")
    with st.container(horizontal=True, gap="small", key="manage"):
        experiments_view.render_popover()
        export_import.render_import()
        _render_bin(deleted)
    messages.render()


def join_names(runs: Sequence[Run]) -> str:
    """The names of the runs, for a sentence in Markdown."""
    names = [markdown.escape(run.name) for run in runs[: messages.MAX_NAMES]]
    more = len(runs) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _render_train_again(selected: Sequence[Run]) -> None:
    run = selected[0] if len(selected) == 1 and not selected[0].damage else None
    if messages.action_button(
        "Train again with these",
        "replay",
        lambda: draft.load_config(run.config) if run else None,
        disabled=run is None,
        help="Puts the settings of the selected run into the sliders of the Train page.",
    ):
        st.switch_page("pages/train.py")


def _render_more_seeds(selected: Sequence[Run]) -> None:
    is_group = len({seed_group_key(run) for run in selected}) == 1 and not any(run.damage for run in selected)
    run = selected[0] if is_group else None
    messages.action_button(
        f"Run {NEW_SEEDS} more seeds",
        "casino",
        lambda: services.current().actions.repeat_with_new_seeds(run.id, NEW_SEEDS) if run else None,
        disabled=run is None,
        success=f"{NEW_SEEDS} runs like {markdown.escape(run.name)}, with other seeds, are in the queue."
        if run
        else "",
        help=f"Trains the selected run {NEW_SEEDS} more times with new seeds, which shows how much of its result is "
        "chance. Select one run, or runs that differ only in their seeds.",
    )


def _render_star(selected: Sequence[Run]) -> None:
    starred = bool(selected) and all(run.starred for run in selected)
    ids = [run.id for run in selected]
    messages.action_button(
        "Unstar" if starred else "Star",
        "star",
        lambda: services.current().actions.edit_runs(ids, starred=not starred),
        disabled=not selected,
    )


def _render_archive(selected: Sequence[Run]) -> None:
    archived = bool(selected) and all(run.archived for run in selected)
    ids = [run.id for run in selected]
    st.button(
        "Unarchive" if archived else "Archive",
        icon=":material/archive:",
        disabled=not selected,
        help=f"Archived runs stay, but the table leaves them out unless {labels.SHOW_ARCHIVED} is pressed.",
        on_click=_archive,
        args=(ids, join_names(selected), not archived),
    )


def _archive(run_ids: Sequence[int], names: str, archived: bool) -> None:
    actions = services.current().actions
    messages.attempt(
        lambda: actions.edit_runs(run_ids, archived=archived),
        f"{'Archived' if archived else 'Unarchived'} {names}.",
        undo=lambda: actions.edit_runs(run_ids, archived=not archived),
        undone=f"{names} {'is' if len(run_ids) == 1 else 'are'} as before.",
    )


def _render_tag(selected: Sequence[Run]) -> None:
    ids = [run.id for run in selected]

    def add() -> None:
        tags = split_tags(st.session_state["new_tags"])
        messages.attempt(
            lambda: services.current().actions.edit_runs(ids, add_tags=tags), _added(tags), place=_TAG_FORM
        )
        if not messages.has_problem():
            st.session_state["new_tags"] = ""  # a refused text stays, so that it can be corrected

    with (
        st.popover("Tag", icon=":material/label:", disabled=not selected),
        st.form("tags", border=False),
    ):
        st.text_input("Tags for the selected runs", key="new_tags", help="With commas between; Enter adds them.")
        st.form_submit_button("Add", on_click=add)
        messages.render(_TAG_FORM)
        st.caption("To change the tags of one run, open its details.")


def _added(tags: Sequence[str]) -> str:
    return f"Added {markdown.escape(', '.join(tags))}." if tags else ""


def _render_delete(selected: Sequence[Run]) -> None:
    unfinished = [run for run in selected if run.status.is_active or run.status is RunStatus.QUEUED]
    delete = None if unfinished else partial(_delete, selected)
    is_pressed = st.button("Delete", icon=":material/delete:", disabled=not selected, on_click=delete)
    if is_pressed and unfinished:
        _confirm_delete(selected, unfinished)


def _delete(runs: Sequence[Run]) -> None:
    actions, run_ids = services.current().actions, [run.id for run in runs]
    messages.attempt(
        lambda: actions.delete_runs(run_ids),
        f"Deleted {join_names(runs)}. Restorable from the bin for {BIN_RETENTION.days} days.",
        undo=lambda: actions.restore_runs(run_ids),
        undone="The deleted runs are back.",
    )


@st.dialog("Delete a run that is not over?")
def _confirm_delete(selected: Sequence[Run], unfinished: Sequence[Run]) -> None:
    verb = "is" if len(unfinished) == 1 else "are"
    st.markdown(
        f"{join_names(unfinished)} {verb} not over. Deleting stops training first; what was recorded goes into the bin."
    )
    with st.container(horizontal=True):
        confirmed = st.button("Stop and delete", type="primary", on_click=_delete, args=(selected,))
        if st.button("Keep") or confirmed:
            st.rerun()


def _render_bin(deleted: Sequence[Run]) -> None:
    with st.popover(f"Bin ({len(deleted)})" if deleted else "Bin", icon=":material/restore_from_trash:"):
        if not deleted:
            st.caption(
                "The bin is empty. To delete runs, tick them and press Delete: they then stay here for "
                f"{BIN_RETENTION.days} days, with their files, and can be restored."
            )
            return
        st.caption(f"Deleted runs are kept for {BIN_RETENTION.days} days, with their files. Choose which to restore.")
        by_id = {run.id: run for run in deleted}
        chosen_ids = st.multiselect(
            "Runs to restore", list(by_id), format_func=lambda run_id: by_id[run_id].name, key="to_restore"
        )
        chosen = [by_id[run_id] for run_id in chosen_ids if run_id in by_id]
        messages.action_button(
            "Restore",
            "undo",
            lambda: services.current().actions.restore_runs([run.id for run in chosen]),
            disabled=not chosen,
            success=f"Restored {join_names(chosen)}.",
        )
