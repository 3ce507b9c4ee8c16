"""Every page opens while a run is damaged, names it, and offers to delete it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.records import Run, StepMetrics
from mnist_core.store import RunStore
from tests.support.factories import finished_run
from tests.support.files.damage import RECORD_DAMAGE, ROW_DAMAGE, damage_row, execute
from tests.support.web.page_driver import click, component_data, labels, open_details, open_page, open_runs, page_text

Step = Callable[..., StepMetrics]
SOME_DAMAGE = ("settings that are no JSON", "a change to batch size 0", "text as number of steps", "an unknown status")


@pytest.fixture
def runs(store: RunStore, a_step: Step) -> list[Run]:
    return [finished_run(store, name=name, steps=[a_step(step) for step in range(1, 6)]) for name in ("a", "b", "c")]


@pytest.mark.parametrize("name", SOME_DAMAGE)
def test_pages_open_with_a_damaged_row(app: AppTest, store: RunStore, places: Path, runs: list[Run], name: str) -> None:
    damage_row(places / "runs", 2, ROW_DAMAGE[name])
    open_page(app)
    assert component_data(app, "strip")["run"]["name"] == "c"
    open_page(app, 2)
    assert "b is damaged. Its" in page_text(app)
    for view in ("Curves", "Verdict", "Hyperparameters", "Details"):
        open_runs(app, runs="1,2,3", show=view)
    app.switch_page("pages/train.py")
    open_details(app, 2)
    assert "b is damaged. Its" in page_text(app)
    click(app, "Delete b")
    assert [run.id for run in store.queries.list_runs()] == [1, 3]


def test_the_latest_run_that_is_sound_is_shown(app: AppTest, places: Path, runs: list[Run]) -> None:
    damage_row(places / "runs", 3, "config = '{'")
    open_page(app)
    assert component_data(app, "strip")["run"]["name"] == "b"


def test_views_leave_out_a_damaged_run_and_say_so(app: AppTest, places: Path, runs: list[Run]) -> None:
    damage_row(places / "runs", 2, "config = '{'")
    open_runs(app, runs="1,2,3")
    assert [run["id"] for run in component_data(app, "overlay_loss")["runs"]] == [1, 3]
    assert any("Left out because they are damaged: b." in caption.value for caption in app.caption)


def test_a_verdict_names_a_run_whose_results_are_damaged(app: AppTest, places: Path, runs: list[Run]) -> None:
    execute(places / "runs", RECORD_DAMAGE["an evaluation whose matrix is too small"], 2)
    open_runs(app, runs="1,2", show="Verdict")
    assert "b: Its evaluations cannot be read" in page_text(app).replace("\\", "")


def test_details_of_a_run_whose_steps_are_damaged_offer_to_delete_it(
    app: AppTest, store: RunStore, places: Path, runs: list[Run]
) -> None:
    execute(places / "runs", "UPDATE runs SET parent_step = 2, parent_id = 1 WHERE id = ?", 2)
    execute(places / "runs", RECORD_DAMAGE["a chunk that is noise"], 2)
    open_details(app, 2)
    assert "b is damaged. Its steps cannot be read" in page_text(app)
    assert "Delete b" in labels(app)
