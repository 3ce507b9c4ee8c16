"""The Runs page apart from its table, which the browser journeys cover."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from mnist_core import labels
from mnist_core.records import RunStatus
from mnist_core.store import RunStore
from tests.support.factories import finished_run
from tests.support.web.page_driver import active_run, component_data, open_runs


def test_a_linked_comparison_is_shown(app: AppTest, store: RunStore) -> None:
    first, second = active_run(store, RunStatus.COMPLETED), active_run(store, RunStatus.COMPLETED)
    open_runs(app, runs=f"{second.id},{first.id}", base=str(first.id), sort="-lr")
    table = component_data(app, "runs_table")
    assert table["selected"] == [second.id, first.id]
    assert table["view"]["baseline"] == first.id
    assert table["view"]["sort"] == "-lr"
    assert table["colors"] == {str(second.id): 1, str(first.id): 0}
    assert table["known"] == {str(run.id): "1/completed" for run in (first, second)}
    assert [run["id"] for run in component_data(app, "overlay_loss")["runs"]] == [second.id, first.id]


def test_missing_runs_are_left_out(app: AppTest, store: RunStore) -> None:
    run, gone = active_run(store, RunStatus.COMPLETED), active_run(store, RunStatus.COMPLETED)
    store.commands.delete_runs([gone.id])
    open_runs(app, runs=f"{run.id},{gone.id},999")
    assert component_data(app, "runs_table")["selected"] == [run.id]


def test_unreadable_parameters_are_named(app: AppTest, store: RunStore) -> None:
    active_run(store)
    open_runs(app, runs="1,two", base="x", sort="lr;drop")
    assert app.warning[0].value == "The address has something unreadable in base, sort. The rest is shown."
    assert component_data(app, "runs_table")["selected"] == [1]


def test_the_address_follows_the_choices_also_after_the_browser_sent_an_older_one(
    app: AppTest, store: RunStore
) -> None:
    active_run(store, RunStatus.COMPLETED)
    open_runs(app, runs="1", over="Duration", smoothed="0.5")
    assert component_data(app, "overlay_loss")["x"] == "time"
    assert component_data(app, "overlay_loss")["smoothing"] == 0.5
    app.segmented_control(key="curves").set_value(["Accuracy"]).run()
    app.segmented_control(key="show").set_value("Details").run()
    chosen = {"runs": "1", "over": "Duration", "curves": "Accuracy", "show": "Details", "smoothed": "0.50"}
    assert app.query_params == chosen
    del app.query_params["show"]
    assert app.run().query_params == chosen
    app.switch_page("pages/train.py").run().switch_page("pages/runs.py").run()
    assert app.segmented_control(key="show").value == "Details"
    assert app.query_params["show"] == "Details"


def test_an_address_with_older_names_of_choices_still_works(app: AppTest, store: RunStore) -> None:
    active_run(store, RunStatus.COMPLETED)
    open_runs(app, runs="1", over="Time", curves="Throughput")
    assert component_data(app, "overlay_examples_per_second")["x"] == "time"
    assert (app.query_params["over"], app.query_params["curves"]) == (labels.DURATION, labels.SPEED)
    assert not app.warning


def test_unknown_choices_are_named_and_left_out(app: AppTest, store: RunStore) -> None:
    active_run(store, RunStatus.COMPLETED)
    open_runs(app, runs="1", show="Nothing", curves="<b>", logx="perhaps", logy="false", smoothed="1")
    assert (
        app.warning[0].value
        == "The address has something unreadable in show, curves, logx, smoothed. The rest is shown."
    )
    assert component_data(app, "overlay_loss")["log"] is False


def test_differences_are_drawn_to_the_baseline(app: AppTest, store: RunStore) -> None:
    runs = [active_run(store, RunStatus.COMPLETED) for _ in range(2)]
    open_runs(app, runs="1,2", base="1")
    app.toggle(key="difference").set_value(True).run()
    assert component_data(app, "overlay_loss")["baseline"] == runs[0].id


def test_small_multiples_are_one_chart_a_run_in_the_same_axes(app: AppTest, store: RunStore) -> None:
    for _ in range(2):
        active_run(store, RunStatus.COMPLETED)
    open_runs(app, runs="1,2")
    app.toggle(key="small").set_value(True).run()
    small = component_data(app, "small_loss_2")
    assert small["only"] == 2
    assert [run["id"] for run in small["runs"]] == [1, 2]


def test_widgets_show_their_value_even_if_the_browser_misses_the_message_that_sets_it(
    app: AppTest, store: RunStore
) -> None:
    finished_run(store)
    open_runs(app, runs="1", smoothed="0.30", logx="true", over="Epoch", show="Curves")
    assert app.slider(key="smoothed").proto.default == [0.3]
    assert next(toggle for toggle in app.toggle if toggle.key == "logx").proto.default is True
    over = next(group for group in app.button_group if group.key == "over")
    assert [over.proto.options[index].content for index in over.proto.default] == ["Epoch"]
