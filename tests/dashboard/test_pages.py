"""Both pages through Streamlit's AppTest, over a real store and a control that starts nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import services
from mnist_core.config import TrainConfig
from mnist_core.processes import own_identity
from mnist_core.records import Progress, Run, RunStatus
from mnist_core.store import RunStore

MAIN = Path(__file__).resolve().parents[2] / "dashboard" / "main.py"


class Control:
    """Puts runs in the store as the supervisor does, but has nothing started."""

    def __init__(self, store: RunStore) -> None:
        self.store = store

    def submit(self, config: TrainConfig, name: str = "") -> Run:
        return self.store.create_run(config, name)

    def request_stop(self, run_id: int) -> RunStatus:
        return self.store.request_stop(run_id)


@pytest.fixture
def app(store: RunStore) -> AppTest:
    services.provide(services.Services(store, Control(store)))
    return AppTest.from_file(str(MAIN), default_timeout=20)


def open_page(app: AppTest, run: int | None = None) -> AppTest:
    if run is not None:
        app.query_params["run"] = str(run)
    app.run()
    assert not app.exception
    return app


def click(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def address(app: AppTest) -> str:
    """The run that the address names."""
    named = app.query_params["run"]
    return named if isinstance(named, str) else named[-1]


def component_data(app: AppTest, key: str) -> dict[str, Any]:
    """What a live component was handed."""
    found = [node for node in app.get("bidi_component") if key in node.proto.id]
    return dict(json.loads(found[0].proto.json))


def active_run(store: RunStore, status: RunStatus = RunStatus.RUNNING, reason: str = "") -> Run:
    run = store.create_run(TrainConfig(), trainer=own_identity())
    store.begin_training(
        run,
        dataset="MNIST",
        notice="",
        train_images=54_000,
        validation_images=6_000,
        test_images=10_000,
        device="cpu",
        threads=2,
    )
    store.append(run, Progress(step=412, epoch=1, loss=0.1, accuracy=0.9))
    if status is not RunStatus.RUNNING:
        store.finish_run(run, status, reason)
    return store.get_run(run.id)


def test_start_submits_what_the_sliders_say_and_shows_the_run(app: AppTest, store: RunStore) -> None:
    open_page(app)
    app.slider(key="momentum_slider").set_value(0.9).run()
    app.select_slider(key="batch_size_slider").set_value(128).run()
    app.number_input(key="lr_field").set_value(0.0123).run()
    app.selectbox(key="dataset_field").set_value("mnist-5k").run()
    app.text_input(key="run_name").set_value("first try").run()
    click(app, "Start training")
    run = store.get_run(1)
    assert (run.name, run.config.momentum, run.config.batch_size) == ("first try", 0.9, 128)
    assert (run.config.lr, run.config.dataset) == (0.0123, "mnist-5k")
    assert address(app) == "1"


def test_run_that_begins_at_once_is_shown_and_not_said_to_be_queued(
    app: AppTest, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    active_run(store, RunStatus.COMPLETED)

    def submit_and_begin(control: Control, config: TrainConfig, name: str = "") -> Run:
        return control.store.create_run(config, name, trainer=own_identity())

    monkeypatch.setattr(Control, "submit", submit_and_begin)
    click(open_page(app), "Start training")
    assert address(app) == "2"
    assert not app.toast


def test_slider_and_exact_value_follow_each_other(app: AppTest) -> None:
    open_page(app)
    app.number_input(key="lr_field").set_value(0.004).run()
    assert app.select_slider(key="lr_slider").value == 0.004
    app.slider(key="epochs_slider").set_value(7).run()
    assert app.number_input(key="epochs_field").value == 7


def test_value_out_of_range_is_named_and_start_is_off(app: AppTest) -> None:
    open_page(app)
    app.number_input(key="lr_field").set_value(5.0).run()
    assert any("Learning rate must be between 0.0001 and 1, got 5" in text.value for text in app.markdown)
    start = next(button for button in app.button if button.label == "Start training")
    assert start.disabled
    app.number_input(key="lr_field").set_value(0.5).run()
    assert not next(button for button in app.button if button.label == "Start training").disabled


def test_run_in_progress_can_be_stopped_and_the_next_queued(app: AppTest, store: RunStore) -> None:
    run = active_run(store)
    open_page(app)
    assert "Add to queue" in labels(app)
    click(app, "Add to queue")
    assert store.list_queued_runs()[0].id == run.id + 1
    assert address(app) == str(run.id)
    click(app, "Stop")
    assert store.get_run(run.id).status is RunStatus.STOPPING


def test_queued_run_can_be_removed(app: AppTest, store: RunStore) -> None:
    active_run(store)
    queued = store.create_run(TrainConfig())
    click(open_page(app, queued.id), "Remove from queue")
    assert store.get_run(queued.id).status is RunStatus.STOPPED


@pytest.mark.parametrize(
    ("status", "reason", "button"),
    [
        (RunStatus.COMPLETED, "", "Train again with these settings"),
        (RunStatus.STOPPED, "", "Train again with these settings"),
        (RunStatus.FAILED, "Something broke.", "Train again with these settings"),
        (RunStatus.INTERRUPTED, "Its trainer process was killed (SIGKILL).", "Train again with these settings"),
        (RunStatus.DIVERGED, "Loss became NaN at step 412.", "Train again at half the learning rate"),
    ],
)
def test_ended_run_says_why_and_what_to_do_next(
    app: AppTest, store: RunStore, status: RunStatus, reason: str, button: str
) -> None:
    run = active_run(store, status, reason)
    open_page(app, run.id)
    shown = [element.value for element in [*app.error, *app.info]]
    assert shown == ([reason] if reason else [])
    click(app, button)
    expected = 0.005 if status is RunStatus.DIVERGED else 0.01
    assert store.get_run(run.id + 1).config.lr == expected
    assert address(app) == str(run.id + 1)


def test_unknown_run_in_the_address_is_said(app: AppTest, store: RunStore) -> None:
    run = active_run(store, RunStatus.COMPLETED)
    app.query_params["run"] = "99"
    open_page(app)
    assert "There is no run 99" in app.warning[0].value
    assert address(app) == str(run.id)


def test_taken_name_is_said_beside_the_settings(app: AppTest, store: RunStore) -> None:
    store.create_run(TrainConfig(), "mine")
    open_page(app)
    app.text_input(key="run_name").set_value("mine").run()
    click(app, "Add to queue")
    assert any("A run named 'mine' exists already" in error.value for error in app.error)


def test_runs_page_without_runs_says_what_to_do(app: AppTest) -> None:
    open_page(app).switch_page("pages/runs.py").run()
    assert not app.exception
    assert app.info[0].value == "No runs yet. Start one on the Train page."


def test_runs_page_lists_every_run_and_keeps_the_address(app: AppTest, store: RunStore) -> None:
    done, going = active_run(store, RunStatus.COMPLETED), active_run(store)
    open_page(app, done.id).switch_page("pages/runs.py").run()
    assert not app.exception
    rows = component_data(app, "runs_table")["rows"]
    assert [(row["id"], row["status"]) for row in rows] == [(going.id, "running"), (done.id, "completed")]
    assert address(app) == str(done.id)
