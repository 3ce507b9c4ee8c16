"""What the table sends is taken once, whatever interrupts the page meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
import streamlit as st

from mnist_core.config import TrainConfig
from mnist_core.store import RunStore
from mnist_dashboard.components.run_table import KEY, received
from mnist_dashboard.runs import table_edits


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


def test_a_value_that_an_interrupted_run_did_not_take_is_taken_in_the_next(session: dict[str, Any]) -> None:
    taken: list[tuple[str, object]] = []
    interrupted = [True]

    def take_view(view: object) -> None:
        if interrupted.pop():
            raise InterruptedError
        taken.append(("view", view))

    take = {"view": take_view, "selected": lambda ids: taken.append(("selected", ids))}
    session[KEY] = {"view": {"sort": "lr"}, "selected": [4, 9]}
    with pytest.raises(InterruptedError):
        received(take)
    interrupted.append(False)
    received(take)
    assert taken == [("view", {"sort": "lr"}), ("selected", [4, 9])]
    received(take)
    assert len(taken) == 2


def test_a_table_that_appears_anew_begins_anew(session: dict[str, Any]) -> None:
    taken: list[object] = []
    session[KEY] = {"selected": [1]}
    received({"selected": taken.append})
    del session[KEY]
    received({"selected": taken.append})
    session[KEY] = {"selected": [1]}
    received({"selected": taken.append})
    assert taken == [[1], [1]]


def test_runs_are_starred_and_renamed(session: dict[str, Any], store: RunStore, app: object) -> None:
    first, second = (store.commands.create_run(TrainConfig(), name) for name in ("a", "b"))
    table_edits.edit_run({"run": first.id, "starred": True, "token": 1})
    assert store.queries.get_run(first.id).starred
    table_edits.edit_run({"run": first.id, "name": "b", "base": "a", "token": 2})
    assert table_edits.outcome() == {"token": 2, "error": "A run named 'b' exists already. Choose another name."}
    store.commands.edit_run(first.id, name="theirs")
    table_edits.edit_run({"run": first.id, "name": "mine", "base": "a", "token": 3})
    assert (table_edits.outcome() or {})["error"].startswith("Somebody else has changed the name of theirs")
    table_edits.edit_run({"run": first.id, "name": "mine", "base": "theirs", "token": 4})
    assert table_edits.outcome() == {"token": 4, "error": ""}
    assert store.queries.get_run(first.id).name == "mine"
    assert second.name == "b"
