"""The curves of the selected runs: colours, defaults that follow the selection, groups of seeds."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.records import StepMetrics
from mnist_core.store import RunStore
from mnist_dashboard.runs import page_state
from tests.support.factories import NO_CONFUSION, finished_run, seed_runs
from tests.support.web.page_driver import component_data, open_runs


def select(app: AppTest, *run_ids: int) -> AppTest:
    """Tick these runs in the table, as the browser does."""
    app.session_state[page_state._SELECTED_KEY] = list(run_ids)
    app.run()
    assert not app.exception
    return app


def colors(app: AppTest) -> dict[str, int]:
    return dict(component_data(app, "runs_table")["colors"])


def make_runs(store: RunStore, *batch_sizes: int) -> None:
    """Finished runs of one epoch over 270 images."""
    for batch_size in batch_sizes:
        finished_run(store, TrainConfig(batch_size=batch_size, epochs=1))


def test_a_run_keeps_its_colour_whatever_else_is_ticked(app: AppTest, store: RunStore) -> None:
    make_runs(store, *[64] * 9)
    open_runs(app, runs="2,3")
    assert colors(app) == {"2": 1, "3": 2}
    assert colors(select(app, 3)) == {"3": 2}
    assert colors(select(app, 5, 3, 2)) == {"2": 1, "3": 2, "5": 4}
    drawn = component_data(app, "overlay_loss")["runs"]
    assert {str(run["id"]): run["color"] for run in drawn} == colors(app)


def test_of_two_runs_with_one_colour_the_second_gets_the_next_free_one(app: AppTest, store: RunStore) -> None:
    make_runs(store, *[64] * 16)
    assert colors(open_runs(app, runs="1,8,2")) == {"1": 0, "8": 1, "2": 2}
    assert colors(select(app, 8, 2)) == {"8": 1, "2": 2}
    many = colors(select(app, *range(1, 17)))
    assert len(many) == 14
    assert sorted(many.values()) == list(range(14))
    assert (many["8"], many["2"]) == (1, 2)


def test_runs_that_are_drawn_as_a_band_have_its_colour_in_the_table(app: AppTest, store: RunStore) -> None:
    ids = [*seed_runs(store, 0.01, [900, 901]), *seed_runs(store, 0.1, [950])]
    open_runs(app, runs=",".join(map(str, ids)))
    assert colors(app) == {"1": 0, "2": 1, "3": 2}
    app.toggle(key="bands").set_value(True).run()
    assert colors(app) == {"1": 0, "2": 0, "3": 2}


def test_the_axis_is_epochs_while_batch_sizes_differ(app: AppTest, store: RunStore) -> None:
    make_runs(store, 64, 64, 128)
    open_runs(app, runs="1,2")
    assert component_data(app, "overlay_loss")["x"] == "step"
    assert component_data(select(app, 1, 3), "overlay_loss")["x"] == "epoch"
    assert "over" not in app.query_params
    assert component_data(select(app, 1, 2), "overlay_loss")["x"] == "step"


@pytest.mark.parametrize(("choice", "axis"), [("Step", "step"), ("Images", "images")])
def test_an_axis_that_somebody_chose_stays(app: AppTest, store: RunStore, choice: str, axis: str) -> None:
    make_runs(store, 64, 128)
    open_runs(app, runs="1,2")
    app.segmented_control(key="over").set_value(choice).run()
    assert app.query_params["over"] == choice
    for ids in ([1], [1, 2]):
        assert component_data(select(app, *ids), "overlay_loss")["x"] == axis


def test_an_axis_in_the_address_stays(app: AppTest, store: RunStore) -> None:
    make_runs(store, 64, 128)
    open_runs(app, runs="1,2", over="Step")
    assert component_data(app, "overlay_loss")["x"] == "step"


def test_smoothing_adapts_to_the_shortest_run_until_somebody_chooses_it(app: AppTest, store: RunStore) -> None:
    make_runs(store, 1, 27)  # 270 and 10 steps
    open_runs(app, runs="1")
    assert component_data(app, "overlay_loss")["smoothing"] == 0.84
    assert component_data(select(app, 1, 2), "overlay_loss")["smoothing"] == 0.17
    assert "smoothed" not in app.query_params
    app.slider(key="smoothed").set_value(0.5).run()
    assert component_data(select(app, 1), "overlay_loss")["smoothing"] == 0.5


def test_small_multiples_of_bands_have_one_chart_for_each_group(app: AppTest, store: RunStore) -> None:
    slow, fast = seed_runs(store, 0.01, [900, 901]), seed_runs(store, 0.1, [950, 951, 952])
    alone = finished_run(store, TrainConfig(lr=0.5, seed=7))
    open_runs(app, runs=",".join(map(str, [*slow, *fast, alone.id])), bands="true", small="true")
    charts = {
        chart["only"]: chart["title"] for run_id in (1, 3, 6) for chart in [component_data(app, f"loss_{run_id}")]
    }
    assert charts == {1: "Loss, lr 0.01, 2 seeds", 3: "Loss, lr 0.1, 3 seeds", 6: "Loss, run-6"}
    assert not [node for node in app.get("bidi_component") if "small_loss_2" in node.proto.id]


def test_one_key_names_the_line_styles_of_all_charts(app: AppTest, store: RunStore) -> None:
    runs = ",".join(map(str, seed_runs(store, 0.01, [900, 901])))
    open_runs(app, runs=runs)
    assert component_data(app, "line_key")["styles"] == ["train", "validation", "test", "best"]
    app.toggle(key="bands").set_value(True).run()
    assert component_data(app, "line_key")["styles"] == ["mean", "validation", "test", "best"]
    app.segmented_control(key="curves").set_value(["Learning rate"]).run()
    assert component_data(app, "line_key")["styles"] == ["mean"]


def test_one_run_has_a_key_unless_its_colours_have_meanings(app: AppTest, store: RunStore) -> None:
    make_runs(store, 64, 64)
    open_runs(app, runs="1")
    assert not [node for node in app.get("bidi_component") if "line_key" in node.proto.id]
    assert component_data(select(app, 2), "line_key")["styles"] == ["train", "validation", "test", "best"]


def test_the_key_names_the_line_of_a_seed_that_goes_on_alone(app: AppTest, store: RunStore) -> None:
    step = StepMetrics(1, 1, 2.3, 0.1, 0.01, 0.5, 1000.0, 0.1, NO_CONFUSION)
    finished_run(store, steps=[step])
    finished_run(store, TrainConfig(seed=2))
    open_runs(app, runs="1,2", bands="true")
    assert component_data(app, "line_key")["styles"] == ["mean", "alone", "validation", "test", "best"]
