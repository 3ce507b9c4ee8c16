"""Verdict and hyperparameters on the Runs page."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.analysis.comparison.compare import compare_runs
from mnist_core.analysis.comparison.verdict import Verdict
from mnist_core.analysis.importance_forest import Importance
from mnist_core.config import TrainConfig
from mnist_core.records import Run, RunStatus
from mnist_core.store import RunStore
from mnist_core.store.queries import Queries
from mnist_dashboard.runs import hyperparameter_charts, verdict_view
from mnist_dashboard.ui import markdown
from tests.support.factories import finished_run, search_runs
from tests.support.web.page_driver import active_run, component_data, open_runs, page_text


@pytest.fixture
def search(store: RunStore) -> list[Run]:
    """Four settings with three seeds each."""
    return search_runs(store, 12, 50)


def show(app: AppTest, view: str) -> AppTest:
    app.segmented_control(key="show").set_value(view).run(timeout=60)
    assert not app.exception
    return app


def test_the_verdict_is_a_sentence_with_a_table_of_numbers(app: AppTest, search: list[Run]) -> None:
    show(open_runs(app, runs="1,4"), "Verdict")
    verdict = "search-1 is better than search-4: it gets 96.00 % against 94.00 % of 1,000 test images right"
    assert markdown.escape(verdict) in page_text(app)
    assert "McNemar" in app.table[0].value.to_string()


def test_two_groups_of_seeds_get_a_verdict(app: AppTest, search: list[Run]) -> None:
    show(open_runs(app, runs="1,2,3,4,5,6", base="4"), "Verdict")
    assert "seeds" in page_text(app)
    title = markdown.escape("A: batch 32, lr 0.3, momentum 0, epochs 5, 3 seeds")
    assert any(block.value == title for block in app.header)
    assert markdown.escape("95 % interval") in app.table[1].value.columns


def test_of_more_than_two_runs_each_pair_is_compared(app: AppTest, store: RunStore) -> None:
    for lr, right in ((0.1, 950), (0.05, 900), (0.01, 899)):
        finished_run(store, TrainConfig(lr=lr), right=range(right))
    show(open_runs(app, runs="2,1,3"), "Verdict")
    assert "is the best of these 3" in page_text(app)
    assert any("corrected for that" in caption.value for caption in app.caption)
    pairs = app.table[0].value
    assert pairs["Better"].tolist() == [*map(markdown.escape, ("run-1", "cannot be told", "run-1"))]


def test_the_verdict_is_computed_once(app: AppTest, store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for lr in (0.01, 0.1):
        finished_run(store, TrainConfig(lr=lr))
    show(open_runs(app, runs="1,2"), "Verdict")
    compared: list[list[int]] = []

    def record(queries: Queries, a_ids: list[int], b_ids: list[int]) -> Verdict:
        compared.append([*a_ids, *b_ids])
        return compare_runs(queries, a_ids, b_ids)

    monkeypatch.setattr(verdict_view, "compare_runs", record)
    app.run()
    assert not compared
    store.commands.edit_run(1, name="renamed")
    app.run()
    assert compared == [[1, 2]]
    assert not app.exception


def test_a_verdict_on_one_run_says_what_to_select(app: AppTest, search: list[Run]) -> None:
    show(open_runs(app, runs="1"), "Verdict")
    assert "Select two runs, or runs with different settings" in page_text(app)


def test_runs_that_cannot_be_compared_are_refused_with_a_sentence(app: AppTest, store: RunStore) -> None:
    for _ in range(2):
        active_run(store, RunStatus.COMPLETED)
    show(open_runs(app, runs="1,2"), "Verdict")
    assert "has no final test result" in app.warning[0].value


@pytest.mark.fault
def test_hyperparameters_of_all_runs_are_drawn(app: AppTest, search: list[Run]) -> None:
    show(open_runs(app), "Hyperparameters")
    axes = component_data(app, "parallel")["dimensions"]
    assert axes[-1]["label"] == "Best validation accuracy"
    assert "Learning rate" in [axis["label"] for axis in axes]
    assert all(0 <= place <= 1 for axis in axes for place in axis["places"])
    assert len(app.get("plotly_chart")) == 1
    assert "at least 6 different combinations of settings" in page_text(app)


@pytest.mark.fault
def test_importance_says_how_much_the_settings_explain(app: AppTest, store: RunStore) -> None:
    search_runs(store, 30, 1)
    show(open_runs(app), "Hyperparameters")
    assert "of the differences in best validation accuracy" in page_text(app)
    assert len(app.get("plotly_chart")) == 2


def test_hyperparameters_of_few_runs_say_what_is_missing(app: AppTest, store: RunStore) -> None:
    active_run(store, RunStatus.COMPLETED)
    show(open_runs(app), "Hyperparameters")
    assert "Train a few with other settings" in page_text(app)


def test_few_values_are_drawn_at_equal_distances(search: list[Run]) -> None:
    axes = hyperparameter_charts.dimensions(search, ["seed", "lr"], "test_accuracy")
    assert axes[0]["ticks"] == [(0.0, "1"), (0.5, "2"), (1.0, "3")]
    assert axes[0]["places"][:3] == [0.0, 0.5, 1.0]


def test_many_learning_rates_are_drawn_on_a_logarithmic_axis(store: RunStore) -> None:
    rates = [10 ** (-4 + step / 4) for step in range(13)]
    for lr in rates:
        finished_run(store, TrainConfig(lr=lr))
    runs = sorted(store.queries.list_runs(), key=lambda run: run.id)
    axis = hyperparameter_charts.dimensions(runs, ["lr"], "test_accuracy")[0]
    assert axis["places"] == pytest.approx([step / 12 for step in range(13)])
    assert [text for _, text in axis["ticks"]] == ["0.0001", "0.0003", "0.001", "0.003", "0.01", "0.03", "0.1"]


def test_names_are_text_in_the_scatter_plot(store: RunStore) -> None:
    run = finished_run(store, name="<b>&</b>")
    figure = hyperparameter_charts.scatter([run], "lr", "test_accuracy", "#0072B2")
    assert figure.data[0].text == ("&lt;b&gt;&amp;&lt;/b&gt;",)


def test_the_most_important_setting_is_on_top_and_uncertain_ones_are_pale() -> None:
    importances = [Importance("Learning rate", 0.8, 0.7, 0.9), Importance("Momentum", 0.1, 0.0, 0.3)]
    bar = hyperparameter_charts.bars(importances, "#0072B2").data[0]
    assert bar.y == ("Momentum", "Learning rate")
    assert bar.error_x.array == pytest.approx((0.2, 0.1))
    assert bar.error_x.arrayminus == pytest.approx((0.1, 0.1))
    assert bar.marker.opacity == (hyperparameter_charts.UNCERTAIN_OPACITY, 1)
