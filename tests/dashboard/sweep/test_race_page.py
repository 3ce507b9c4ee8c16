"""The Race tab of the Sweep page: the form with its lanes, and the view of a race with the actions on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.records import Command, Run, RunStatus
from mnist_core.runs.races import start_race
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from tests.support.web.page_driver import Visitor, click, component_data, labels, open_details, page_text, says

CONFIG = TrainConfig(model="softmax", epochs=2)


@pytest.fixture
def lanes(app: AppTest, store: RunStore) -> list[Run]:
    """Three lanes that this process trains."""
    runs = start_race(store, [replace(CONFIG, lr=lr) for lr in (0.01, 0.1, 1.0)], own_identity())
    for run in runs:
        store.trainer_writes.begin_training(
            run,
            dataset="MNIST",
            notice="",
            train_images=54_000,
            validation_images=6_000,
            test_images=10_000,
            device="cpu",
            threads=1,
        )
    return [store.queries.get_run(run.id) for run in runs]


def open_race(app: AppTest, race: int | None = None) -> AppTest:
    app.run().switch_page("pages/sweep.py")
    app.query_params.update({"race": str(race)} if race else {"tab": "race"})
    app.run()
    assert not app.exception
    return app


def lane_fields(app: AppTest) -> list[Any]:
    return [field for field in app.text_input if field.label.startswith("Lane ")]


def statuses(store: RunStore) -> list[RunStatus]:
    return [run.status for run in store.queries.list_runs()]


# ---------------------------------------------------------------------- the form


def test_the_form_begins_with_three_learning_rates_around_that_of_the_sliders(app: AppTest) -> None:
    fields = lane_fields(open_race(app))
    assert [field.value for field in fields] == ["0.003", "0.01", "0.03"]
    assert fields[0].label == "Lane 1, learning rate, exact value"
    assert says(app, "Classic CNN, batch size 64")


def test_a_press_on_start_queues_a_race_and_shows_it(app: AppTest, store: RunStore) -> None:
    open_race(app)
    lane_fields(app)[2].set_value("0,5").run()
    click(app, "Start race")
    runs = store.queries.list_runs()
    assert [(run.config.lr, run.race_id, run.status) for run in runs] == [
        (lr, runs[0].id, RunStatus.QUEUED) for lr in (0.003, 0.01, 0.5)
    ]
    assert app.query_params["race"] == str(runs[0].id)
    assert component_data(app, "race_strip")["name"] == f"race-{runs[0].id}"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("0.01", "Lanes 2 and 3 have the same settings. Change one of them."),
        ("20", "Learning rate must be between 0.0001 and 1, got 20."),
        ("fast", "Learning rate must be a number between 0.0001 and 1, got 'fast'."),
    ],
)
def test_lanes_that_cannot_race_are_refused_in_a_sentence(
    app: AppTest, store: RunStore, value: str, problem: str
) -> None:
    open_race(app)
    lane_fields(app)[2].set_value(value).run()
    assert says(app, problem)
    assert next(button for button in app.button if button.label == "Start race").disabled
    assert not store.queries.list_runs()


def test_lanes_are_added_up_to_four_and_removed_down_to_two(app: AppTest) -> None:
    open_race(app)
    click(app, "Add a lane")
    assert len({field.value for field in lane_fields(app)}) == 4
    assert says(app, "Four lanes are the most.")
    for number in (0, 1):
        app.button(key=f"race_remove_{number}").click().run()
    assert lane_fields(app)[0].value == "0.03"
    assert says(app, "Two lanes are the least.")
    assert all(button.disabled for button in app.button if str(button.key).startswith("race_remove"))


def test_two_settings_may_differ_and_keep_what_was_entered(app: AppTest, store: RunStore) -> None:
    open_race(app)
    app.multiselect[0].set_value(["lr", "optimizer"]).run()
    assert [field.value for field in lane_fields(app)] == ["0.003", "0.01", "0.03"]
    next(box for box in app.selectbox if box.label == "Lane 2, optimizer").set_value("adam").run()
    click(app, "Start race")
    assert [(run.config.lr, run.config.optimizer) for run in store.queries.list_runs()] == [
        (0.003, "sgd"),
        (0.01, "adam"),
        (0.03, "sgd"),
    ]


def test_lanes_survive_a_visit_to_another_page(app: AppTest) -> None:
    open_race(app)
    lane_fields(app)[0].set_value("0.2").run()
    app.switch_page("pages/train.py").run()
    assert [field.value for field in lane_fields(open_race(app))] == ["0.2", "0.01", "0.03"]


def test_the_length_and_the_other_settings_are_chosen_for_all_lanes(app: AppTest, store: RunStore) -> None:
    open_race(app)
    next(box for box in app.selectbox if box.label == "Length").set_value(5).run()
    next(box for box in app.selectbox if box.label == "Everything else").set_value("Defaults").run()
    click(app, "Start race")
    assert {run.config.epochs for run in store.queries.list_runs()} == {5}


def test_viewers_see_the_form_disabled(app: AppTest, visitor: Visitor, lanes: list[Run]) -> None:
    visitor.become_viewer()
    open_race(app)
    assert all(field.disabled for field in lane_fields(app))
    assert "Pause all" not in labels(app)
    assert component_data(app, "race_lanes")["may_act"] is False


# ---------------------------------------------------------------------- the view


def test_a_race_is_shown_with_its_lanes_called_by_what_differs(app: AppTest, lanes: list[Run]) -> None:
    open_race(app)
    data = component_data(app, "race_strip")
    assert (data["name"], data["detail"]) == (f"race-{lanes[0].id}", "3 lanes, learning rate differs")
    assert [(lane["name"], lane["color"]) for lane in data["lanes"]] == [("lr 0.01", 0), ("lr 0.1", 1), ("lr 1", 2)]
    assert [run["id"] for run in data["runs"]] == [lane.id for lane in lanes]
    assert data["statuses"][0] == RunStatus.RUNNING


def test_all_lanes_are_paused_evaluated_and_stopped_together(app: AppTest, store: RunStore, lanes: list[Run]) -> None:
    open_race(app)
    click(app, "Evaluate now")
    click(app, "Pause all")
    sent = [[sent.command for sent in store.queries.list_commands(lane.id, 0)] for lane in lanes]
    assert sent == [[Command.EVALUATE, Command.PAUSE]] * 3
    click(app, "Stop all")
    assert set(statuses(store)) == {RunStatus.STOPPING}


def test_an_interrupted_race_is_resumed_in_lock_step(app: AppTest, store: RunStore, lanes: list[Run]) -> None:
    for lane in lanes:
        store.commands.interrupt_run(lane, "The server closed.")
    open_race(app)
    click(app, "Resume")
    assert set(statuses(store)) == {RunStatus.QUEUED}
    click(app, "Remove from queue")
    assert set(statuses(store)) == {RunStatus.STOPPED}


def test_a_deleted_race_comes_back(app: AppTest, store: RunStore, lanes: list[Run]) -> None:
    open_race(app, lanes[0].id)
    click(app, "Delete")
    assert says(app, f"race-{lanes[0].id} is in the bin.")
    assert not store.queries.list_runs()
    click(app, "Undo")
    assert len(store.queries.list_runs()) == 3
    assert component_data(app, "race_strip")["name"] == f"race-{lanes[0].id}"


def test_a_race_is_entered_again_with_its_other_settings_in_the_sliders(app: AppTest, lanes: list[Run]) -> None:
    open_race(app)
    click(app, "Race again")
    assert [field.value for field in lane_fields(app)] == ["0.01", "0.1", "1"]
    assert next(box for box in app.selectbox if box.label == "Length").value == 0
    assert says(app, "batch size 64, 2 epochs")


def test_a_race_whose_lengths_differ_is_not_entered_again(app: AppTest, store: RunStore) -> None:
    start_race(store, [replace(CONFIG, epochs=epochs) for epochs in (2, 4)])
    open_race(app)
    before = [field.value for field in lane_fields(app)]
    click(app, "Race again")
    assert not app.exception
    assert "The lanes of this race differ in epochs\\, which the form gives to all lanes alike" in page_text(app)
    assert [field.value for field in lane_fields(app)] == before


def test_another_race_is_chosen_and_an_unknown_one_is_named(app: AppTest, store: RunStore, lanes: list[Run]) -> None:
    other = start_race(store, [replace(CONFIG, optimizer=name) for name in ("sgd", "adam")])
    open_race(app, lanes[0].id)
    box = next(box for box in app.selectbox if box.label == "Races")
    assert box.options[0] == f"race-{other[0].id}: sgd, adam"
    box.set_value(other[0].id).run()
    assert component_data(app, "race_strip")["name"] == f"race-{other[0].id}"
    open_race(app, 99)
    assert "There is no race-99. Showing the latest instead." in page_text(app)


def test_a_race_of_which_one_lane_is_left_says_where_the_others_are(
    app: AppTest, store: RunStore, lanes: list[Run]
) -> None:
    store.commands.delete_runs([lane.id for lane in lanes[1:]])
    open_race(app)
    assert says(app, f"Of race-{lanes[0].id} only {lanes[0].name} is left")


def test_without_a_race_viewers_are_not_told_to_press_start(app: AppTest, visitor: Visitor) -> None:
    visitor.become_viewer()
    assert says(open_race(app), "No race yet. It appears here as soon as the owner starts one.")


def test_the_details_of_a_lane_lead_to_its_race(app: AppTest, lanes: list[Run]) -> None:
    open_details(app, lanes[1].id)
    [link] = [link for link in app.get("page_link") if "race" in link.proto.label]
    assert link.proto.label.replace("\\", "") == f"A lane of race-{lanes[0].id}"
    assert link.proto.page.endswith(f"?race={lanes[0].id}") or str(lanes[0].id) in str(link.proto)
