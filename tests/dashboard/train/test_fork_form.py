"""The form that forks a run from a checkpoint with other settings."""

from typing import Any

from streamlit.testing.v1 import AppTest

from mnist_core.checkpoints.index import checkpoint_path, checkpoints_dir
from mnist_core.config import TrainConfig
from mnist_core.records import FileKind, Intervention, RunStatus
from mnist_core.store import RunStore
from mnist_dashboard.ui import markdown
from tests.support.factories import finished_run
from tests.support.files.run_files import give_checkpoint
from tests.support.web.page_driver import active_run, address, click, component_data, labels, open_page, says


def field(app: AppTest, step: int, name: str) -> Any:
    return app.text_input(key=f"fork_1_{step}_{name}")


def test_a_run_is_forked_from_any_checkpoint_with_other_settings(app: AppTest, store: RunStore) -> None:
    run = active_run(store)
    change_at_300 = Intervention(300, "lr", 0.01, 0.05, run.created_at, "page")
    store.trainer_writes.set_interventions(run, [change_at_300])
    assert "Start the fork" not in labels(open_page(app)), "there is no checkpoint yet"
    give_checkpoint(store, run, 200, FileKind.BEST)
    give_checkpoint(store, run, 400)
    app.run()
    assert app.selectbox(key="fork_1_step").options == ["400 (latest)", "200 (best validation)"]
    assert (field(app, 400, "lr").value, app.selectbox(key="fork_1_step").value) == ("0.05", 400)
    app.selectbox(key="fork_1_step").set_value(200).run()
    assert field(app, 200, "lr").value == "0.01"
    field(app, 200, "momentum").set_value("0,9").run()
    field(app, 200, "epochs").set_value("5").run()
    click(app, "Start the fork")
    fork = store.queries.get_run(2)
    assert (fork.parent_id, fork.parent_step) == (1, 200)
    assert (fork.config.lr, fork.config.momentum, fork.config.epochs) == (0.01, 0.9, 5)
    assert [(change.field, change.old, change.new) for change in fork.interventions] == [("momentum", 0.5, 0.9)]
    assert address(app) == "2"


def test_the_latest_checkpoint_is_offered_until_another_is_chosen(app: AppTest, store: RunStore) -> None:
    run = active_run(store)
    give_checkpoint(store, run, 200)
    open_page(app)
    give_checkpoint(store, run, 300)
    app.run()
    assert app.selectbox(key="fork_1_step").value == 300
    app.selectbox(key="fork_1_step").set_value(200).run()
    give_checkpoint(store, run, 400)
    app.run()
    assert app.selectbox(key="fork_1_step").value == 200


def test_a_setting_out_of_range_is_reported_and_nothing_is_forked(app: AppTest, store: RunStore) -> None:
    give_checkpoint(store, active_run(store), 400)
    open_page(app)
    field(app, 400, "lr").set_value("5.0").run()
    assert says(app, "Learning rate must be between 0.0001 and 1, got 5")
    assert component_data(app, "settings_form")["fields"]["fork_1_400_lr"]["invalid"]
    field(app, 400, "lr").set_value("fast").run()
    assert says(app, "must be a number between 0.0001 and 1, got 'fast'")
    assert next(button for button in app.button if button.label == "Start the fork").disabled
    assert len(store.queries.list_runs()) == 1


def test_a_checkpoint_that_was_replaced_meanwhile_is_an_error_message(app: AppTest, store: RunStore) -> None:
    run = active_run(store, RunStatus.COMPLETED)
    give_checkpoint(store, run, 400)
    open_page(app)
    give_checkpoint(store, run, 500)
    checkpoint_path(checkpoints_dir(run), 400).unlink()
    click(app, "Start the fork")
    assert [error.value for error in app.error] == [
        markdown.escape("run-1 has no checkpoint of step 400. Choose one of 500.")
    ]
    assert app.selectbox(key="fork_1_step").value == 500


def test_a_schedule_that_jumps_is_announced_before_the_run_is_continued_or_forked(
    app: AppTest, store: RunStore
) -> None:
    run = finished_run(store, TrainConfig(lr=0.05, schedule="one-cycle", epochs=1, last_batch="keep"), train_images=270)
    give_checkpoint(store, run, 5)
    jump = "At step 5 the learning rate jumps from 2e-07 to 0.031, because the one-cycle schedule spans all 2 epochs"
    open_page(app, run.id)
    assert [warning.value.partition(" of the")[0] for warning in app.warning] == [jump], "one more epoch is offered"
    field(app, 5, "epochs").set_value("2").run()
    assert [warning.value.partition(" of the")[0] for warning in app.warning] == [jump, jump]
    click(app, "Continue for 1 more epoch")
    assert store.queries.get_run(2).config.epochs == 2


def test_a_run_that_has_trained_all_its_epochs_is_forked_with_more_epochs_only(app: AppTest, store: RunStore) -> None:
    run = finished_run(store, TrainConfig(epochs=1, batch_size=64), train_images=270)
    give_checkpoint(store, run, 5)
    open_page(app, run.id)
    assert says(app, "nothing is left to train. Give it more epochs")
    assert next(button for button in app.button if button.label == "Start the fork").disabled
    field(app, 5, "epochs").set_value("2").run()
    assert not next(button for button in app.button if button.label == "Start the fork").disabled
