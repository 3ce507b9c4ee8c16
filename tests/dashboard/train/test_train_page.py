"""The Train page through Streamlit's AppTest, over a real store without trainers."""

from __future__ import annotations

from functools import partial

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.records import RunStatus
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_dashboard.ui import markdown
from tests.support.web.page_driver import active_run, address, click, component_data, labels, open_page, shown_run


def test_start_submits_the_settings_of_the_sliders_and_shows_the_run(app: AppTest, store: RunStore) -> None:
    open_page(app)
    app.slider(key="momentum_slider").set_value(0.9).run()
    app.select_slider(key="batch_size_slider").set_value(128).run()
    app.text_input(key="lr_field").set_value("0.0123").run()
    app.selectbox(key="dataset_field").set_value("mnist-5k").run()
    app.text_input(key="run_name").set_value("first try").run()
    click(app, "Start training")
    run = store.queries.get_run(1)
    assert (run.name, run.config.momentum, run.config.batch_size) == ("first try", 0.9, 128)
    assert (run.config.lr, run.config.dataset) == (0.0123, "mnist-5k")
    assert address(app) == "1"


def test_a_run_that_starts_at_once_is_shown(app: AppTest, store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    active_run(store, RunStatus.COMPLETED)
    monkeypatch.setattr(store.commands, "create_run", partial(store.commands.create_run, trainer=own_identity()))
    click(open_page(app), "Start training")
    assert address(app) == "2"
    assert store.queries.list_queued_runs() == []


def test_a_run_in_progress_can_be_stopped_and_the_next_queued(app: AppTest, store: RunStore) -> None:
    run = active_run(store)
    open_page(app)
    assert "Add to queue" in labels(app)
    click(app, "Add to queue")
    assert store.queries.list_queued_runs()[0].id == run.id + 1
    assert (shown_run(app), address(app)) == (run.name, "")
    click(app, "Stop")
    assert store.queries.get_run(run.id).status is RunStatus.STOPPING


def test_a_queued_run_can_be_removed(app: AppTest, store: RunStore) -> None:
    active_run(store)
    queued = store.commands.create_run(TrainConfig())
    click(open_page(app, queued.id), "Remove from queue")
    assert store.queries.get_run(queued.id).status is RunStatus.STOPPED


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (RunStatus.COMPLETED, ""),
        (RunStatus.STOPPED, ""),
        (RunStatus.FAILED, "Something broke."),
        (RunStatus.INTERRUPTED, "Its trainer process was killed (SIGKILL)."),
        (RunStatus.DIVERGED, "Loss became NaN at step 412."),
    ],
)
def test_an_ended_run_says_why_and_offers_what_to_do_next(
    app: AppTest, store: RunStore, status: RunStatus, reason: str
) -> None:
    run = active_run(store, status, reason)
    open_page(app, run.id)
    assert component_data(app, "strip")["run"]["reason"] == reason
    click(app, "Train again")
    assert store.queries.get_run(run.id + 1).config == run.config
    assert address(app) == str(run.id + 1)


def test_names_and_reasons_are_text_on_the_train_page(app: AppTest, store: RunStore) -> None:
    hostile = "**bold** $x$ :material/check: [a](b) <b>c</b>"
    other = active_run(store)
    store.commands.edit_run(other.id, name=hostile)
    failed = active_run(store, RunStatus.FAILED, f"{hostile} cannot be read.")
    open_page(app, failed.id)
    assert component_data(app, "strip")["run"]["reason"] == failed.reason, "the browser shows it as text"
    show = next(button for button in app.button if button.label == "Show the run in progress")
    assert show.help == f"Shows {markdown.escape(hostile)}, and then whatever trains."
    show.click().run()
    assert (shown_run(app), address(app)) == (hostile, "")


def test_an_unknown_run_in_the_address_is_reported(app: AppTest, store: RunStore) -> None:
    run = active_run(store, RunStatus.COMPLETED)
    app.query_params["run"] = "99"
    open_page(app)
    assert "There is no run 99" in app.warning[0].value
    assert shown_run(app) == run.name


def test_a_taken_name_is_reported_next_to_the_settings(app: AppTest, store: RunStore) -> None:
    store.commands.create_run(TrainConfig(), "mine")
    open_page(app)
    app.text_input(key="run_name").set_value("mine").run()
    click(app, "Add to queue")
    assert any(markdown.escape("A run named 'mine' exists already") in error.value for error in app.error)


def test_the_runs_page_without_runs_says_what_to_do(app: AppTest) -> None:
    open_page(app).switch_page("pages/runs.py").run()
    assert not app.exception
    assert app.info[0].value == "No runs yet. Start one on the Train page."


def test_the_runs_page_keeps_the_address_of_the_train_page(app: AppTest, store: RunStore) -> None:
    done = active_run(store, RunStatus.COMPLETED)
    open_page(app, done.id).switch_page("pages/runs.py").run()
    assert not app.exception
    assert component_data(app, "runs_table")["selected"] == []
    assert address(app) == str(done.id)
