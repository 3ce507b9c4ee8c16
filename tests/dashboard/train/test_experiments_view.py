"""Experiments for newcomers, on the pages."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from mnist_core.records import RunStatus
from mnist_core.runs.experiments import EXPERIMENTS
from mnist_core.store import RunStore
from tests.support.web.page_driver import Visitor, active_run, labels, open_page, open_runs, says

QUESTIONS = [experiment.question for experiment in EXPERIMENTS]


def offered(app: AppTest) -> list[str]:
    return [label for label in labels(app) if label in QUESTIONS]


def test_a_first_visit_offers_three_experiments(app: AppTest, store: RunStore) -> None:
    assert offered(open_page(app)) == QUESTIONS
    active_run(store)
    app.run()
    assert offered(app) == []


def test_a_viewer_is_offered_none(app: AppTest, visitor: Visitor) -> None:
    visitor.become_viewer()
    assert offered(open_page(app)) == []


def test_an_experiment_starts_and_its_runs_are_selected_on_the_runs_page(app: AppTest, store: RunStore) -> None:
    open_page(app)
    next(button for button in app.button if button.label == QUESTIONS[0]).click().run()
    assert not app.exception
    runs = store.queries.list_runs()
    assert sorted(run.config.lr for run in runs) == [0.001, 0.03, 1.0]
    assert app.session_state["ticked_runs"] == sorted(run.id for run in runs)
    assert says(app, "0 of 3 runs are over.")


def test_experiments_can_be_started_later_from_the_runs_page(app: AppTest, store: RunStore) -> None:
    active_run(store, RunStatus.COMPLETED)
    assert offered(open_runs(app)) == QUESTIONS
