"""Stars and names that are changed in the table itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from mnist_core.errors import MnistError
from mnist_dashboard import services
from mnist_dashboard.ui import messages

_OUTCOME_KEY = "table_edit"


def edit_run(edit: Mapping[str, Any]) -> None:
    """Star or rename a run as the table asks for; see `run_table`. The outcome of a new name goes back to the table."""
    match edit:
        case {"run": int(run_id), "starred": bool(starred), "token": int()}:
            messages.attempt(lambda: services.current().actions.edit_run(run_id, starred=starred))
        case {"run": int(run_id), "name": str(name), "base": str(base), "token": int(token)}:
            st.session_state[_OUTCOME_KEY] = {"token": token, "error": _rename(run_id, name, base)}


def outcome() -> dict[str, Any] | None:
    """The outcome of the latest new name: its token, and a sentence if it was refused."""
    edit: dict[str, Any] | None = st.session_state.get(_OUTCOME_KEY)
    return edit


def _rename(run_id: int, name: str, base: str) -> str:
    """Rename a run that was called `base`; returns why it could not be done, or an empty string."""
    try:
        seen = replace(services.current().queries.get_run(run_id), name=base)
        services.current().actions.edit_run(run_id, name=name, based_on=seen)
    except MnistError as error:
        return str(error)
    return ""
