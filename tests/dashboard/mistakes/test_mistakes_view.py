"""What the view Mistakes shows is in the address."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.records import StepMetrics
from mnist_core.store import RunStore
from mnist_dashboard.ui.state.place import Place
from tests.support.factories import finished_run
from tests.support.web.page_driver import component_data, open_page, page_text


def open_mistakes(app: AppTest, run: int, **parameters: str) -> AppTest:
    for name, value in {"view": "mistakes", **parameters}.items():
        app.query_params[name] = value
    return open_page(app, run)


def test_a_link_leads_to_an_evaluation_a_cell_and_an_image(app: AppTest, store: RunStore) -> None:
    run = finished_run(store)
    open_mistakes(app, run.id, step="844", split="validation", cell="9-4", image="1901")
    data = component_data(app, "mistakes")
    assert data["run"] == run.id
    assert data["place"] == {"step": 844, "split": "validation", "cell": "9-4", "image": 1901}


@pytest.mark.parametrize(
    "values",
    [
        {"step": "-1", "split": "training", "cell": "94", "image": "x"},
        {"step": "1e3", "split": "", "cell": "9-", "image": "-5"},
        {"step": "9" * 30, "split": "Test", "cell": "<b>", "image": "٣"},
    ],
)
def test_values_that_no_page_writes_count_as_absent(values: dict[str, str]) -> None:
    assert Place.read(values) == Place()


def test_a_place_belongs_to_one_run(app: AppTest, store: RunStore) -> None:
    first, second = finished_run(store), finished_run(store)
    open_mistakes(app, first.id, cell="9-4")
    open_page(app, second.id)
    assert component_data(app, "mistakes")["place"]["cell"] == ""
    assert "cell" not in app.query_params


def test_two_runs_are_set_side_by_side_on_request(
    app: AppTest, store: RunStore, a_step: Callable[..., StepMetrics]
) -> None:
    earlier, run = (finished_run(store, steps=[a_step(1)]) for _ in range(2))
    open_mistakes(app, run.id)
    choice = app.segmented_control(key="mistakes_of_1")
    assert choice.value == "alone"
    choice.set_value("pair").run()
    data = component_data(app, "disagreement")
    assert [data["a"]["id"], data["b"]["id"]] == [run.id, earlier.id]
    assert app.query_params["with"] == str(earlier.id)


def test_a_link_sets_any_run_beside_this_one(app: AppTest, store: RunStore) -> None:
    other = finished_run(store)
    finished_run(store)
    run = finished_run(store)
    open_mistakes(app, run.id, **{"with": str(other.id)})
    assert component_data(app, "disagreement")["b"]["name"] == other.name


def test_a_run_that_is_gone_is_not_set_beside_this_one(app: AppTest, store: RunStore) -> None:
    run = finished_run(store)
    open_mistakes(app, run.id, **{"with": "99"})
    assert component_data(app, "mistakes")["run"] == run.id


def test_without_a_run_the_view_says_what_it_shows(app: AppTest) -> None:
    app.query_params["view"] = "mistakes"
    open_page(app)
    assert "reads wrong show here" in page_text(app)
