"""The form for name, tags and notes of a run. Nobody's text is lost when two people edit the same run.

The form keeps what it was filled with; a field that the person has not changed follows the stored text, and one that
holds what the person has typed keeps it. On Save only what the person has changed is written, and only if nobody else
has changed it since; otherwise the page shows the other text and keeps this one in the form.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from mnist_core.annotations import MAX_NAME_LENGTH, MAX_NOTES_LENGTH, split_tags
from mnist_core.errors import EditConflictError
from mnist_core.records import Run
from mnist_dashboard import services
from mnist_dashboard.components.typed_fields import typed_fields, watch_fields
from mnist_dashboard.ui import markdown, messages


def render(run: Run) -> None:
    """Draw the form."""
    place = f"annotations of {run.id}"  # of messages: inside this form
    base_key, conflict_key = f"annotations_{run.id}_base", f"annotations_{run.id}_conflict"
    keys = {field: f"annotations_{run.id}_{field}" for field in ("name", "tags", "notes")}
    if base_key not in st.session_state or not all(key in st.session_state for key in keys.values()):
        st.session_state[base_key] = run
        for field, text in _texts(run).items():
            st.session_state[keys[field]] = text
        st.session_state.pop(conflict_key, None)
    watch_key = f"annotations_{run.id}_typed"
    _follow_others(run, base_key, keys, typed_fields(watch_key))
    with st.container(gap="small"):  # always there, so that the form below does not move
        if st.session_state.get(conflict_key):
            _render_conflict(run, st.session_state[base_key])

    def save() -> None:
        if base_key not in st.session_state:  # a second press, before the page could show the first one's outcome
            return
        typed = {field: str(st.session_state[key]) for field, key in keys.items()}
        saved = f"Saved {markdown.escape(typed['name'])}."
        messages.attempt(lambda: _save(run, st.session_state[base_key], typed), saved, place=place)

    with st.form(f"annotations_{run.id}", border=False):
        st.text_input("Name", max_chars=MAX_NAME_LENGTH, key=keys["name"])
        st.text_input("Tags", help="With commas between; Enter saves.", key=keys["tags"])
        help_text = "In Markdown; HTML is shown as text."
        st.text_area("Notes", max_chars=MAX_NOTES_LENGTH, height=140, help=help_text, key=keys["notes"])
        # A callback: another rerun may interrupt the script before it comes here.
        st.form_submit_button("Save", icon=":material/save:", on_click=save)
        messages.render(place)
    watch_fields({keys[field]: text for field, text in _texts(st.session_state[base_key]).items()}, key=watch_key)


def _follow_others(run: Run, base_key: str, keys: Mapping[str, str], typed: Collection[str]) -> None:
    """Update the fields that the person has not changed with what others have stored meanwhile."""
    base: Run = st.session_state[base_key]
    for field, text in _texts(run).items():
        if keys[field] not in typed and st.session_state[keys[field]] == _texts(base)[field] != text:
            st.session_state[keys[field]] = text
            base = replace(base, **{field: getattr(run, field)})
    st.session_state[base_key] = base


def _texts(run: Run) -> dict[str, str]:
    return {"name": run.name, "tags": ", ".join(run.tags), "notes": run.notes}


def _save(run: Run, base: Run, typed: dict[str, str]) -> None:
    """Write what differs from `base`. Raises `EditConflictError` if somebody else has changed the same."""
    base_key, conflict_key = f"annotations_{run.id}_base", f"annotations_{run.id}_conflict"
    changes: dict[str, Any] = {field: text for field, text in typed.items() if text != _texts(base)[field]}
    if "tags" in changes:
        changes["tags"] = split_tags(changes["tags"])
    try:
        services.current().actions.edit_run(run.id, **changes, based_on=base)
    except EditConflictError as error:
        current = services.current().queries.get_run(run.id)
        st.session_state[base_key] = current
        st.session_state[conflict_key] = [
            field for field, text in _texts(current).items() if text not in (_texts(base)[field], typed[field])
        ]
        raise EditConflictError(f"{error} Your text is still in the form; Save replaces the other one.") from error
    del st.session_state[base_key]  # so that the form is filled again


def _render_conflict(run: Run, other: Run) -> None:
    """What somebody else has written meanwhile, as plain text that can be copied."""
    for field in st.session_state[f"annotations_{run.id}_conflict"]:
        st.caption(f"The {field} that somebody else saved meanwhile:")
        st.code(_texts(other)[field], language=None, wrap_lines=True)
