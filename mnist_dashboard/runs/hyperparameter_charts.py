"""Axes and Plotly figures of the Hyperparameters view: pure functions of runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import plotly.graph_objects as go

from mnist_core.analysis.importance import Importance
from mnist_core.analysis.run_table import SETTING_NAMES, metric_value
from mnist_core.config import SETTINGS
from mnist_core.records import METRICS, Run
from mnist_dashboard.components.parallel_coordinates import Dimension
from mnist_dashboard.ui.formatting import format_metric

CHART_HEIGHT = 360

MAX_DISCRETE_TICKS = 10
"""Maximum number of values that get a tick each; more values share a continuous axis."""

UNCERTAIN_OPACITY = 0.35
"""Opacity of the bar of a setting whose importance may be 0."""

LOGARITHMIC = ("lr", "weight_decay", "batch_size")
"""Settings whose orders of magnitude matter."""


def varied_settings(runs: Sequence[Run]) -> list[str]:
    """Names of the settings in which the runs differ."""
    return [name for name in SETTING_NAMES if len({getattr(run.config, name) for run in runs}) > 1]


def runs_with_metric(runs: Sequence[Run], metric_name: str) -> list[Run]:
    """The runs for which this metric was measured."""
    return [run for run in runs if metric_value(run, metric_name) is not None]


def dimensions(runs: Sequence[Run], settings: Sequence[str], metric_name: str) -> list[Dimension]:
    """The axes of parallel coordinates, the metric last. All runs must have the metric."""
    metric = METRICS[metric_name]
    values = [metric_value(run, metric_name) or 0.0 for run in runs]
    axes = [_setting_dimension(name, [getattr(run.config, name) for run in runs]) for name in settings]
    return [*axes, _continuous_dimension(metric.label, values, partial(format_metric, unit=metric.unit))]


def _setting_dimension(name: str, values: Sequence[Any]) -> Dimension:
    """The axis of a setting: words and few numbers at equal distances, many numbers on a linear or logarithmic axis."""
    label = SETTINGS[name].label
    distinct = sorted(set(values), key=lambda value: (isinstance(value, str), value))
    if len(distinct) > MAX_DISCRETE_TICKS and name in LOGARITHMIC and min(values) > 0:
        exponents = [math.log10(value) for value in values]
        return _continuous_dimension(label, exponents, lambda exponent: _format_value(10**exponent))
    if len(distinct) > MAX_DISCRETE_TICKS:
        return _continuous_dimension(label, values, _format_value)
    place = {value: index / max(1, len(distinct) - 1) for index, value in enumerate(distinct)}
    return Dimension(
        label=label,
        places=[place[value] for value in values],
        ticks=[(place[value], _format_value(value)) for value in distinct],
    )


def _continuous_dimension(label: str, values: Sequence[float], format_tick: Callable[[float], str]) -> Dimension:
    low, high = min(values), max(values)
    width = (high - low) or 1.0
    ticks = [(share, format_tick(low + share * (high - low))) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    return Dimension(label=label, places=[(value - low) / width for value in values], ticks=ticks)


def _format_value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def scatter(runs: Sequence[Run], setting_name: str, metric_name: str, color: str) -> go.Figure:
    """The metric of each run over one setting."""
    setting, metric = SETTINGS[setting_name], METRICS[metric_name]
    values = [getattr(run.config, setting_name) for run in runs]
    figure = go.Figure(
        go.Scatter(
            x=values,
            y=[metric_value(run, metric_name) for run in runs],
            text=[escape_html(run.name) for run in runs],
            mode="markers",
            marker={"size": 9, "opacity": 0.7, "color": color},
            hovertemplate="%{text}<br>%{x}: %{y}<extra></extra>",
        )
    )
    is_number = not setting.choices and setting.kind is not bool
    is_logarithmic = is_number and setting_name in LOGARITHMIC and all(values)
    figure.update_layout(height=CHART_HEIGHT, margin={"l": 64, "r": 12, "t": 12, "b": 44})
    figure.update_xaxes(title=setting.label, type="log" if is_logarithmic else "linear" if is_number else "category")
    figure.update_yaxes(title=metric.axis_label, tickformat=".2%" if metric.unit == "share" else "")
    return figure


def bars(importances: Sequence[Importance], color: str) -> go.Figure:
    """The importance of each setting with its range, the largest on top; pale if the range includes 0."""
    smallest_first = list(reversed(importances))
    figure = go.Figure(
        go.Bar(
            x=[importance.share for importance in smallest_first],
            y=[importance.label for importance in smallest_first],
            customdata=[(importance.low, importance.high) for importance in smallest_first],
            error_x={
                "array": [importance.high - importance.share for importance in smallest_first],
                "arrayminus": [importance.share - importance.low for importance in smallest_first],
                "thickness": 1,
                "width": 3,
            },
            orientation="h",
            marker={
                "color": color,
                "opacity": [1 if importance.is_certain else UNCERTAIN_OPACITY for importance in smallest_first],
            },
            hovertemplate="%{y}: %{x:.1%} (%{customdata[0]:.1%} to %{customdata[1]:.1%})<extra></extra>",
        )
    )
    figure.update_layout(height=max(160, 44 + 30 * len(importances)), margin={"l": 12, "r": 12, "t": 12, "b": 36})
    figure.update_xaxes(tickformat=".0%", rangemode="tozero")
    figure.update_yaxes(automargin=True)
    return figure


def escape_html(text: str) -> str:
    """Text for Plotly, which renders a subset of HTML: names come from people."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
