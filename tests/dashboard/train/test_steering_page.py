"""The actions that the Train page offers for a run, and the commands that they send to its trainer."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.records import Adjustment, Command, Intervention, Run, RunStatus
from mnist_core.store import RunStore
from mnist_dashboard.train.settings import steering
from mnist_dashboard.ui import markdown
from tests.support.files.run_files import give_checkpoint
from tests.support.web.page_driver import active_run, address, click, component_data, labels, number, open_page, says


def commands(store: RunStore, run: Run) -> list[tuple[Command, Adjustment]]:
    return [(command.command, command.adjustment) for command in store.queries.list_commands(run.id, 0)]


def change(store: RunStore, run: Run, field: str, old: float, new: float) -> None:
    intervention = Intervention(412, field, old, new, run.created_at, "terminal")
    store.trainer_writes.set_interventions(run, [*store.queries.get_run(run.id).interventions, intervention])


@pytest.mark.parametrize(("label", "command"), [("Pause", Command.PAUSE), ("Evaluate now", Command.EVALUATE)])
def test_a_button_sends_its_command_to_a_run_in_progress(
    app: AppTest, store: RunStore, label: str, command: Command
) -> None:
    run = active_run(store)
    click(open_page(app), label)
    assert commands(store, run) == [(command, Adjustment())]


@pytest.mark.parametrize(
    ("label", "command"),
    [("Resume", Command.RESUME), ("Step", Command.STEP), ("Evaluate now", Command.EVALUATE)],
)
def test_a_button_sends_its_command_to_a_paused_run(
    app: AppTest, store: RunStore, label: str, command: Command
) -> None:
    run = active_run(store)
    store.trainer_writes.set_paused(run, paused=True)
    click(open_page(app), label)
    assert commands(store, run) == [(command, Adjustment())]


def test_a_command_that_comes_too_late_is_an_error_message(app: AppTest, store: RunStore) -> None:
    run = active_run(store)
    open_page(app)
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED)
    click(app, "Pause")
    assert [error.value for error in app.error] == [markdown.escape("run-1 is finished: there is nothing to pause.")]


def test_an_interrupted_run_is_resumed(app: AppTest, store: RunStore) -> None:
    run = active_run(store, RunStatus.INTERRUPTED, "killed")
    click(open_page(app), "Resume")
    assert store.queries.get_run(run.id).status is RunStatus.QUEUED


def test_a_finished_run_can_be_continued_for_more_epochs(app: AppTest, store: RunStore) -> None:
    run = active_run(store, RunStatus.COMPLETED)
    assert not any(label.startswith("Continue") for label in labels(open_page(app)))
    give_checkpoint(store, run, 412)
    app.run()
    app.text_input(key="more_epochs_1").set_value("two").run()
    assert says(app, "Epochs to add must be a whole number between 1 and 47, got 'two'")
    assert next(button for button in app.button if button.label == "Continue for 1 more epoch").disabled
    app.text_input(key="more_epochs_1").set_value("2").run()
    click(app, "Continue for 2 more epochs")
    continued = store.queries.get_run(2)
    assert (continued.config.epochs, continued.parent_id, continued.parent_step) == (5, run.id, 412)
    assert address(app) == "2"


def test_a_diverged_run_leaves_what_helps_to_the_doctor(app: AppTest, store: RunStore) -> None:
    """Its checkpoints may be bad: the person who forks one chooses it and the settings."""
    run = active_run(store, RunStatus.DIVERGED, "Loss became NaN at step 412.")
    give_checkpoint(store, run, 400)
    offered = [label for label in labels(open_page(app)) if re.search("again|Continue|Restart|fork", label)]
    assert offered == ["Train again", "Start the fork"]


def test_a_steered_run_is_repeated_with_its_changes(app: AppTest, store: RunStore) -> None:
    run = active_run(store)
    change(store, run, "lr", 0.01, 0.05)
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED)
    click(open_page(app), "Replay exactly")
    assert [(planned.field, planned.new) for planned in store.queries.get_run(2).plan] == [("lr", 0.05)]


def this_run(app: AppTest) -> AppTest:
    open_page(app)
    app.segmented_control(key="target").set_value("This run").run()
    assert not app.exception
    return app


def test_sliders_set_up_the_next_run_by_default(app: AppTest, store: RunStore) -> None:
    run = active_run(store)
    open_page(app)
    app.slider(key="momentum_slider").set_value(0.9).run()
    assert commands(store, run) == []
    assert "Start training" not in labels(this_run(app))


def test_a_slider_for_this_run_steers_it(app: AppTest, store: RunStore) -> None:
    run = active_run(store)
    this_run(app)
    app.slider(key="this_momentum_slider").set_value(0.9).run()
    app.text_input(key="this_lr_field").set_value("0.02").run()
    app.select_slider(key="this_batch_size_slider").set_value(128).run()
    assert [adjustment for _, adjustment in commands(store, run)] == [
        Adjustment(momentum=0.9),
        Adjustment(lr=0.02),
        Adjustment(batch_size=128),
    ]
    assert app.slider(key="this_momentum_slider").value == 0.9


def test_sliders_for_this_run_follow_changes_by_others(app: AppTest, store: RunStore) -> None:
    run = active_run(store)
    this_run(app)
    change(store, run, "lr", 0.01, 0.2)
    app.run()
    assert number(app, "this_lr_field") == 0.2
    assert steering.current_settings(store.queries.get_run(1)) == {"lr": 0.2, "momentum": 0.5, "batch_size": 64}


def test_a_value_out_of_range_is_reported_and_steers_nothing(app: AppTest, store: RunStore) -> None:
    run = active_run(store)
    this_run(app)
    app.text_input(key="this_lr_field").set_value("5.0").run()
    assert says(app, "Learning rate must be between 0.0001 and 1")
    assert commands(store, run) == []


def test_changes_are_listed_and_can_be_undone_while_the_run_trains(app: AppTest, store: RunStore) -> None:
    run = active_run(store)
    change(store, run, "lr", 0.01, 0.05)
    open_page(app)
    changes = component_data(app, "changes")
    assert changes["can_undo"] is True
    assert [intervention["new"] for intervention in changes["run"]["interventions"]] == [0.05]
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED)
    app.run()
    assert component_data(app, "changes")["can_undo"] is False


def test_a_field_stays_usable_when_its_run_ends_and_refuses_the_change(app: AppTest, store: RunStore) -> None:
    """Somebody may be typing in it."""
    run = active_run(store)
    this_run(app)
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED)
    app.run()
    field = app.text_input(key="this_lr_field")
    assert (field.disabled, app.select_slider(key="this_lr_slider").disabled) == (False, True)
    field.set_value("0.02").run()
    assert says(app, "run-1 is finished: there is nothing to adjust.")
    field = app.text_input(key="this_lr_field")
    assert (field.disabled, field.value) == (True, "0.01")


def test_the_settings_of_an_ended_run_are_disabled_when_shown_anew(app: AppTest, store: RunStore) -> None:
    run = active_run(store)
    this_run(app)
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED)
    for target in ("Next run", "This run"):
        app.segmented_control(key="target").set_value(target).run()
    assert app.text_input(key="this_lr_field").disabled


def test_this_run_shows_the_settings_of_the_run_that_follows(app: AppTest, store: RunStore) -> None:
    active_run(store)
    later = store.commands.create_run(TrainConfig(lr=0.3, epochs=7), "later")
    this_run(app)
    open_page(app, later.id)
    assert (number(app, "this_lr_field"), number(app, "this_epochs_field")) == (0.3, 7)
    assert app.text_input(key="this_name").value == "later"
