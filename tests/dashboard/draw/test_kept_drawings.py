"""Keeping, changing and deleting drawings from the page."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnist_core.records import KeptDrawing
from mnist_core.store import RunStore
from mnist_dashboard.draw import kept_drawings
from tests.support.factories import finished_run
from tests.support.files.run_files import give_model
from tests.support.web.page_driver import Visitor, component_data

IMAGE = bytes(range(196)) * 4


def sent(**values: Any) -> dict[str, Any]:
    """What the browser sends, with a drawing of a 4."""
    return {"image": base64.b64encode(IMAGE).decode(), "label": 4, "name": "", **values}


@pytest.fixture
def message(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that returns the outcome of the last action, over a session of its own."""
    session: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", session)
    return lambda: session["message"].text


def test_a_drawing_is_kept_changed_deleted_and_brought_back(store: RunStore, message: Any) -> None:
    kept_drawings.keep(sent(name="my four"))
    (drawing,) = store.drawings.list_drawings()
    assert drawing == KeptDrawing(IMAGE, 4, "my four", 1)
    assert message() == "Kept. It is below, under Your digits."
    kept_drawings.edit(sent(id=1, label=9, name="a nine"))
    assert store.drawings.list_drawings() == [KeptDrawing(IMAGE, 9, "a nine", 1)]
    kept_drawings.delete(sent(id=1, label=9, name="a nine"))
    assert store.drawings.list_drawings() == []
    assert kept_drawings.version() == 3
    st.session_state["message"].undo()
    assert store.drawings.list_drawings() == [KeptDrawing(IMAGE, 9, "a nine", 2)]
    assert kept_drawings.version() == 4


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"image": "not base64!"}, "did not arrive whole"),
        ({"image": "AAAA"}, "must have 784 bytes, got 3"),
        ({"image": None}, "did not arrive whole|must have 784 bytes"),
        ({"label": None}, "Choose the digit"),
        ({"label": True}, "Choose the digit"),
        ({"label": 10}, "must be 0 to 9"),
        ({"name": "x" * 81}, "at most 80 characters"),
    ],
)
def test_what_no_page_of_ours_sends_is_refused_in_words(
    store: RunStore, message: Any, values: dict[str, Any], problem: str
) -> None:
    kept_drawings.keep(sent(**values))
    assert store.drawings.list_drawings() == []
    assert re.search(problem, message().replace("\\", ""))


def test_viewers_keep_nothing_and_are_not_offered_to(
    app: AppTest, store: RunStore, visitor: Visitor, message: Any
) -> None:
    visitor.become_viewer()
    kept_drawings.keep(sent())
    assert store.drawings.list_drawings() == []
    assert message().startswith("You are watching")


@pytest.mark.parametrize("is_owner", [True, False])
def test_the_page_offers_to_keep_to_owners_alone(
    app: AppTest, store: RunStore, visitor: Visitor, is_owner: bool
) -> None:
    give_model(store, finished_run(store), b"weights")
    if not is_owner:
        visitor.become_viewer()
    app.query_params["run"] = "1"
    app.query_params["view"] = "draw"
    app.run()
    assert not app.exception
    assert component_data(app, "draw")["may_keep"] is is_owner
