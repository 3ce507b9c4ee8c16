"""The list of queued runs: what it may do, for whom, and on which pages it is."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.store import RunStore
from mnist_dashboard.ui.queue import perform_request
from tests.support.web.page_driver import Visitor, active_run, component_data, open_page

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture(autouse=True)
def queued(store: RunStore) -> None:
    """Run 1 trains; runs 2, 3 and 4 wait."""
    active_run(store)
    for _ in range(3):
        store.commands.create_run(TrainConfig())


def order(store: RunStore) -> list[int]:
    return [run.id for run in store.queries.list_queued_runs()]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"do": "move", "run": 4, "before": 2}, [4, 2, 3]),
        ({"do": "move", "run": 2, "after": 3}, [3, 2, 4]),
        ({"do": "remove", "run": 3}, [2, 4]),
    ],
)
def test_an_owner_moves_and_removes_runs(store: RunStore, request_: dict[str, Any], expected: list[int]) -> None:
    assert perform_request(request_) == ""
    assert order(store) == expected


def test_a_removed_run_returns(store: RunStore) -> None:
    perform_request({"do": "remove", "run": 3})
    assert perform_request({"do": "return", "run": 3}) == ""
    assert order(store) == [2, 3, 4]


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        ({"do": "move", "run": 1, "before": 2}, "run-1 is running: only a queued run can be moved."),
        ({"do": "remove", "run": 1}, "run-1 is running: it is not in the queue any more."),
        ({"do": "return", "run": 2}, "run-2 is queued: only a run removed from the queue can return to it."),
        ({"do": "remove", "run": 99}, "There is no run 99."),
    ],
)
def test_what_is_too_late_is_refused_with_a_reason(request_: dict[str, Any], problem: str) -> None:
    assert perform_request(request_) == problem


@pytest.mark.parametrize("request_", [{}, {"do": "remove"}, {"do": "remove", "run": "2"}, {"do": "start", "run": 2}])
def test_a_forged_request_is_ignored(store: RunStore, request_: dict[str, Any]) -> None:
    assert perform_request(request_) == ""
    assert order(store) == [2, 3, 4]


def test_a_viewer_sees_the_queue_and_changes_nothing(app: AppTest, store: RunStore, visitor: Visitor) -> None:
    visitor.become_viewer()
    assert component_data(open_page(app), "queue_button")["may_act"] is False
    for request in ({"do": "move", "run": 4, "before": 2}, {"do": "remove", "run": 2}, {"do": "return", "run": 2}):
        assert "only the owner can do this" in perform_request(request)
    assert order(store) == [2, 3, 4]


def test_it_is_in_the_frame_of_the_pages(app: AppTest) -> None:
    assert component_data(open_page(app), "queue_button") == {"shape": "button", "may_act": True, "problem": ""}


def test_the_sidebar_of_the_train_page_has_a_line_for_it(app: AppTest) -> None:
    assert component_data(open_page(app), "queue_text")["shape"] == "line"
