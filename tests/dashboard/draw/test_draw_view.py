"""The view Draw of a run: which runs judge. The pad itself is tested in the browser."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnist_core.records import Run
from mnist_core.store import RunStore
from tests.support.factories import finished_run
from tests.support.files.damage import ROW_DAMAGE, damage_row
from tests.support.files.run_files import give_model
from tests.support.web.page_driver import Visitor, component_data


@pytest.fixture
def runs(store: RunStore) -> list[Run]:
    """Six finished runs with saved weights."""
    runs = [finished_run(store) for _ in range(6)]
    for run in runs:
        give_model(store, run, b"weights")
    return runs


def open_draw(app: AppTest, run: object) -> AppTest:
    app.query_params["run"] = str(run)
    app.query_params["view"] = "draw"
    app.run()
    assert not app.exception
    return app


def names(app: AppTest, part: str) -> list[str]:
    return [judge["name"] for judge in component_data(app, "judges")[part]]


def test_the_run_of_the_page_judges_and_the_others_are_offered(app: AppTest, runs: list[Run]) -> None:
    open_draw(app, 3)
    assert names(app, "chosen") == ["run-3"]
    assert names(app, "candidates") == ["run-6", "run-5", "run-4", "run-2", "run-1"]
    assert [judge["name"] for judge in component_data(app, "draw")["judges"]] == ["run-3"]


def test_chosen_runs_judge_with_every_run_of_the_page(app: AppTest, runs: list[Run]) -> None:
    open_draw(app, 3)
    app.session_state["other_judges"] = [6, 1]
    open_draw(app, 3)
    assert names(app, "chosen") == ["run-3", "run-6", "run-1"]
    open_draw(app, 6)
    assert names(app, "chosen") == ["run-6", "run-1"]


def test_runs_that_were_deleted_do_not_judge(app: AppTest, store: RunStore, runs: list[Run]) -> None:
    app.session_state["other_judges"] = [6, 1]
    store.commands.delete_runs([6])
    open_draw(app, 3)
    assert names(app, "chosen") == ["run-3", "run-1"]


def test_another_run_judges_on_the_page_of_a_damaged_one(
    app: AppTest, store: RunStore, places: Path, runs: list[Run]
) -> None:
    damage_row(places / "runs", 6, ROW_DAMAGE["an unknown status"])
    open_draw(app, 6)
    assert "run-6" not in names(app, "chosen")
    assert names(app, "chosen")


def test_without_saved_weights_nobody_judges(app: AppTest, store: RunStore) -> None:
    finished_run(store)
    open_draw(app, 1)
    assert component_data(app, "draw")["judges"] == []


def test_the_story_has_the_steps_and_epochs_of_the_run(app: AppTest, runs: list[Run]) -> None:
    open_draw(app, 3)
    data = component_data(app, "draw")
    assert data["total_steps"] == runs[2].total_steps
    assert data["epochs"][-1] == runs[2].total_steps


def test_viewers_can_draw(app: AppTest, visitor: Visitor, runs: list[Run]) -> None:
    visitor.become_viewer()
    open_draw(app, 3)
    assert component_data(app, "draw")["judges"]


@pytest.mark.parametrize("ids", [[6, "1", None, 2.5], [6, 5, 4, 2, 1]])
def test_at_most_four_runs_judge_whatever_a_browser_sends(
    ids: list[object], app: AppTest, runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mnist_dashboard.draw import draw_view

    monkeypatch.setattr(st, "session_state", {})
    draw_view._keep_other_judges(ids)
    assert draw_view._other_judges() == [run_id for run_id in ids if isinstance(run_id, int)][:3]
