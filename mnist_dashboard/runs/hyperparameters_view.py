"""The Hyperparameters view: how settings affect a metric, over the selected runs or all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from mnist_core.analysis.comparison.comparability import CompareError
from mnist_core.analysis.importance import setting_importance
from mnist_core.analysis.importance_forest import ImportanceReport, measure_in_process
from mnist_core.config import SETTINGS
from mnist_core.records import METRICS, Run
from mnist_dashboard.components.parallel_coordinates import parallel_coordinates
from mnist_dashboard.runs import hyperparameter_charts
from mnist_dashboard.ui import headings, markdown
from mnist_dashboard.ui.formatting import format_count

DEFAULT_METRIC = "best_validation_accuracy"
MAX_FOREST_RUNS = 600
"""Maximum number of runs that forests grow on: these take half a second of a core, 10,000 take ten."""

PLOTLY_CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["sendChartToCloud", "select2d", "lasso2d"]}


def render_hyperparameters(runs: Sequence[Run]) -> None:
    """Draw parallel coordinates, a scatter plot, and the importance of settings."""
    with st.container(horizontal=True, gap="medium"):
        metric_name = st.selectbox(
            "Result",
            list(METRICS),
            index=list(METRICS).index(DEFAULT_METRIC),
            format_func=lambda name: METRICS[name].label,
            key="result",
            width=260,
        )
        measured = _of_one_dataset(hyperparameter_charts.runs_with_metric(runs, metric_name))
    settings = hyperparameter_charts.varied_settings(measured)
    if len(measured) < 2 or not settings:
        st.info(
            f"This view needs runs with different settings and a {METRICS[metric_name].label.lower()}; "
            f"{len(measured)} of these runs have one. Train a few with other settings, or select others.",
            icon=":material/tune:",
        )
        return
    color = _first_theme_color()
    headings.panel_heading("Settings and result of each run")
    drawn = hyperparameter_charts.spread_over_results(measured, metric_name)
    if len(drawn) < len(measured):
        st.caption(
            f"{format_count(len(drawn))} of {format_count(len(measured))} runs are drawn, spread evenly from the "
            "lowest result to the highest."
        )
    parallel_coordinates(
        hyperparameter_charts.dimensions(drawn, settings, metric_name),
        [run.name for run in drawn],
        legend=hyperparameter_charts.color_legend(drawn, metric_name),
        height=hyperparameter_charts.CHART_HEIGHT,
    )
    left, right = st.columns(2, gap="medium")
    with left:
        setting = st.selectbox(
            "Setting", settings, format_func=lambda name: SETTINGS[name].label, key="scatter_setting", width=260
        )
        scatter = hyperparameter_charts.scatter(drawn, setting, metric_name, color)
        st.plotly_chart(scatter, config=PLOTLY_CONFIG, key="scatter")
    with right:
        _render_importance(measured, metric_name, color)


def _of_one_dataset(runs: Sequence[Run]) -> list[Run]:
    """Offer a choice if there are several datasets, whose results cannot be compared; return the runs on one."""
    counts = Counter(run.dataset for run in runs)
    if len(counts) < 2:
        return list(runs)
    names = [name for name, _ in counts.most_common()]
    dataset = st.selectbox("Dataset", names, format_func=lambda name: f"{name} ({counts[name]} runs)", width=260)
    return [run for run in runs if run.dataset == dataset]


def _render_importance(runs: Sequence[Run], metric_name: str, color: str) -> None:
    headings.panel_heading("Importance")
    st.caption(
        "Share of the differences that the forest cannot explain without the setting. The line shows how far it varies "
        "between runs."
    )
    sample = hyperparameter_charts.whole_seed_groups(runs, MAX_FOREST_RUNS)
    if len(sample) < len(runs):
        st.caption(f"Measured on {format_count(len(sample))} of {format_count(len(runs))} runs, from first to last.")
    try:
        with st.spinner(f"Growing forests on {format_count(len(sample))} runs…"):
            report = setting_importance(sample, metric_name, measure_in_process)
    except CompareError as error:
        st.info(markdown.escape(str(error)), icon=":material/forest:")
        return
    st.markdown(_explained_sentence(report, METRICS[metric_name].label.lower()))
    st.plotly_chart(hyperparameter_charts.bars(report.importances, color), config=PLOTLY_CONFIG, key="importance")


def _explained_sentence(report: ImportanceReport, metric: str) -> str:
    sentence = (
        f"The settings explain about **{report.explained * 100:.0f}\u202f%** of the differences in {metric}, "
        "measured on runs that the forest of decision trees has not seen. The rest is due to seeds and chance, or "
        "takes more runs to learn."
    )
    if all(importance.is_certain for importance in report.importances):
        return sentence
    return f"{sentence} Pale bars cannot be told from 0."


def _first_theme_color() -> str:
    theme = st.context.theme.type or "light"
    return str(st.get_option(f"theme.{theme}.chartCategoricalColors")[0])
