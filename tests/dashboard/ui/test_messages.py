"""The outcome of the last action, drawn in its place."""

import pytest
from streamlit.testing.v1 import AppTest

from mnist_dashboard.ui import markdown
from tests.support.web.page_driver import click

DELETED, BACK = [":material/check: Deleted 3."], [":material/check: They are back."]


def script() -> None:
    import streamlit as st

    from mnist_core.errors import MnistError
    from mnist_dashboard.ui import messages

    def fail() -> None:
        raise MnistError("Out of *luck*.")

    def delete() -> None:
        messages.attempt(lambda: 3, lambda count: f"Deleted {count}.", undo=lambda: None, undone="They are back.")

    messages.enter_page(st.session_state.get("page", "Runs"))
    messages.enter_view(st.session_state.get("view", "curves"))
    messages.action_button("Fail", "close", fail)
    st.button("Fail in the sidebar", on_click=messages.attempt, args=(fail,), kwargs={"place": "sidebar"})
    st.button("Delete", on_click=delete)
    messages.render()
    with st.sidebar:
        messages.render("sidebar")


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_function(script).run()


def texts(app: AppTest) -> list[str]:
    return [markdown.value for markdown in app.markdown]


def test_a_problem_is_drawn_once_as_it_was_worded(app: AppTest) -> None:
    click(app, "Fail")
    assert [error.value for error in app.main.error] == [markdown.escape("Out of *luck*.")]
    assert not app.run().error


def test_an_outcome_is_drawn_in_its_place_only(app: AppTest) -> None:
    click(app, "Fail in the sidebar")
    assert len(app.sidebar.error) == 1
    assert not app.main.error


def test_a_success_stays_until_the_next_action(app: AppTest) -> None:
    click(app, "Delete")
    assert texts(app) == DELETED
    assert texts(app.run()) == DELETED
    click(app, "Fail")
    assert texts(app.run()) == []


def test_a_success_can_be_undone(app: AppTest) -> None:
    click(app, "Delete")
    click(app, "Undo")
    assert texts(app) == BACK


def test_an_outcome_is_forgotten_on_another_page(app: AppTest) -> None:
    click(app, "Delete")
    app.session_state["page"] = "Details"
    assert texts(app.run()) == []
    app.session_state["page"] = "Runs"
    assert texts(app.run()) == []


def test_a_success_is_forgotten_in_another_view_but_a_problem_is_told(app: AppTest) -> None:
    click(app, "Delete")
    assert texts(app) == DELETED
    app.session_state["view"] = "draw"
    assert texts(app.run()) == []
    app.session_state["view"] = "curves"
    click(app, "Fail")
    assert len(app.main.error) == 1
