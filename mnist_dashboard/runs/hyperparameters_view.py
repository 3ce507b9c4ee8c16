"""The Hyperparameters view: how settings affect a metric, over the selected runs or all of them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mnist_core.analysis.comparability import CompareError
from mnist_core.analysis.importance import ImportanceReport, setting_importance
from mnist_core.config import SETTINGS
from mnist_core.records import METRICS, Run
from mnist_dashboard.components.parallel_coordinates import parallel_coordinates
from mnist_dashboard.runs import hyperparameter_charts
from mnist_dashboard.ui import headings, markdown

DEFAULT_METRIC = "best_validation_accuracy"
PLOTLY_CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["sendChartToCloud", "select2d", "lasso2d"]}


def render_hyperparameters(runs: Sequence[Run]) -> None:
    """Draw parallel coordinates, a scatter plot, and the importance of settings."""
    metric_name = st.selectbox(
        "Result",
        list(METRICS),
        index=list(METRICS).index(DEFAULT_METRIC),
        format_func=lambda name: METRICS[name].label,
        key="result",
        width=260,
    )
    measured = hyperparameter_charts.runs_with_metric(runs, metric_name)
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
    parallel_coordinates(
        hyperparameter_charts.dimensions(measured, settings, metric_name),
        [run.name for run in measured],
        height=hyperparameter_charts.CHART_HEIGHT,
    )
    left, right = st.columns(2, gap="medium")
    with left:
        setting = st.selectbox(
            "Setting", settings, format_func=lambda name: SETTINGS[name].label, key="scatter_setting", width=260
        )
        scatter = hyperparameter_charts.scatter(measured, setting, metric_name, color)
        st.plotly_chart(scatter, config=PLOTLY_CONFIG, key="scatter")
    with right:
        _render_importance(measured, metric_name, color)


def _render_importance(runs: Sequence[Run], metric_name: str, color: str) -> None:
    headings.panel_heading("Importance")
    st.caption(
        "Share of the differences that the forest cannot explain without the setting. The line shows how far it varies "
        "between runs."
    )
    try:
        with st.spinner("Growing forests…"):
            report = setting_importance(runs, metric_name)
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
