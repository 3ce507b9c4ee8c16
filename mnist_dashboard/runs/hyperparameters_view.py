"""The Hyperparameters view: what settings do to a result, over the selected runs or all of them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mnist_core.analysis.comparability import CompareError
from mnist_core.analysis.importance import setting_importance
from mnist_core.analysis.run_table import METRICS
from mnist_core.config import SETTINGS
from mnist_core.records import Run
from mnist_dashboard.components.parallel_coordinates import parallel_coordinates
from mnist_dashboard.runs import hyperparameter_charts
from mnist_dashboard.runs.hyperparameter_charts import HEIGHT
from mnist_dashboard.ui import markdown

CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["sendChartToCloud", "select2d", "lasso2d"]}


def render_hyperparameters(runs: Sequence[Run]) -> None:
    """Parallel coordinates, a scatter plot, and the importance of settings."""
    metric_name = st.selectbox(
        "Result",
        list(METRICS),
        index=list(METRICS).index("best_validation_accuracy"),
        format_func=lambda name: METRICS[name].label,
        key="result",
        width=260,
    )
    shown = hyperparameter_charts.runs_with_metric(runs, metric_name)
    settings = hyperparameter_charts.varied_settings(shown)
    if len(shown) < 2 or not settings:
        st.info(
            f"This takes runs with different settings and a {METRICS[metric_name].label.lower()}; {len(shown)} of "
            "these have one. Train a few with other settings, or select others.",
            icon=":material/tune:",
        )
        return
    color = _first_color()
    st.markdown("**Settings and result of each run**")
    parallel_coordinates(
        hyperparameter_charts.dimensions(shown, settings, metric_name),
        [run.name for run in shown],
        height=HEIGHT,
    )
    left, right = st.columns(2, gap="medium")
    with left:
        setting = st.selectbox(
            "Setting", settings, format_func=lambda name: SETTINGS[name].label, key="scatter_setting", width=260
        )
        st.plotly_chart(hyperparameter_charts.scatter(shown, setting, metric_name, color), config=CONFIG, key="scatter")
    with right:
        _importance(shown, metric_name, color)


def _importance(runs: Sequence[Run], metric_name: str, color: str) -> None:
    st.markdown("**Importance** :gray[How much worse a forest of decision trees predicts without each setting.]")
    try:
        with st.spinner("Growing a forest…"):
            found = setting_importance(runs, metric_name)
    except CompareError as error:
        st.info(markdown.escape(str(error)), icon=":material/forest:")
        return
    st.plotly_chart(hyperparameter_charts.bars(found, color), config=CONFIG, key="importance")


def _first_color() -> str:
    theme = st.context.theme.type or "light"
    return str(st.get_option(f"theme.{theme}.chartCategoricalColors")[0])
