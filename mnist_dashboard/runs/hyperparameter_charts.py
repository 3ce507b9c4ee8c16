"""Axes and Plotly figures of the Hyperparameters view: pure functions of runs."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

import plotly.graph_objects as go

from mnist_core.analysis.importance_forest import Importance
from mnist_core.analysis.run_table import SETTING_NAMES, metric_value
from mnist_core.analysis.seed_groups import seed_group_key
from mnist_core.config import SETTINGS, choice_label
from mnist_core.records import METRICS, Run
from mnist_dashboard.components.parallel_coordinates import ColorLegend, Dimension
from mnist_dashboard.runs import axis_ticks
from mnist_dashboard.ui.formatting import format_metric

CHART_HEIGHT = 360

MAX_DRAWN = 1000
"""Maximum number of runs that are drawn: more lines hide each other, and take seconds to draw."""

PLACE_DIGITS = 7
"""Digits of a place on an axis."""

UNIT_NAMES = {"images/s": "\u202fimg/s"}
"""Units that a formatted metric does not show by itself."""

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


def spread_over_results(runs: Sequence[Run], metric_name: str, most: int = MAX_DRAWN) -> list[Run]:
    """Return at most this many of the runs, spread evenly over the ranks of their results: the best and the worst, too.

    All runs must have the metric.
    """
    if len(runs) <= most:
        return list(runs)
    ranked = sorted(runs, key=lambda run: metric_value(run, metric_name) or 0.0)
    return [ranked[round(number * (len(ranked) - 1) / (most - 1))] for number in range(most)]


def whole_seed_groups(runs: Sequence[Run], most: int) -> list[Run]:
    """Return all runs, or about `most` of them in whole groups of seeds, spread evenly over the groups by age."""
    if len(runs) <= most:
        return list(runs)
    groups: dict[Hashable, list[Run]] = {}
    for run in runs:
        groups.setdefault(seed_group_key(run), []).append(run)
    stride = math.ceil(len(runs) / most)
    return [run for group in list(groups.values())[::stride] for run in group]


def dimensions(runs: Sequence[Run], settings: Sequence[str], metric_name: str) -> list[Dimension]:
    """The axes of parallel coordinates, the metric last. All runs must have the metric."""
    metric = METRICS[metric_name]
    values = [metric_value(run, metric_name) or 0.0 for run in runs]
    axes = [_setting_dimension(name, [getattr(run.config, name) for run in runs]) for name in settings]
    ticks = axis_ticks.linear_ticks(min(values), max(values), metric)
    return [*axes, _continuous_dimension(metric.label, values, ticks)]


def color_legend(runs: Sequence[Run], metric_name: str) -> ColorLegend:
    """What the palest and the darkest line of parallel coordinates stand for, with the unit of the metric."""
    metric = METRICS[metric_name]
    values = [metric_value(run, metric_name) or 0.0 for run in runs]
    unit = UNIT_NAMES.get(metric.unit, "")
    low, high = (f"{format_metric(value, metric.unit)}{unit}" for value in (min(values), max(values)))
    return ColorLegend(label=metric.label, low=low, high=high)


def _setting_dimension(name: str, values: Sequence[Any]) -> Dimension:
    """The axis of a setting: words and few numbers at equal distances, many numbers on a linear or logarithmic axis."""
    label = SETTINGS[name].label
    distinct = sorted(set(values), key=lambda value: (isinstance(value, str), value))
    if len(distinct) > MAX_DISCRETE_TICKS and name in LOGARITHMIC and min(values) > 0:
        ticks = axis_ticks.log_ticks(distinct[0], distinct[-1])
        return _continuous_dimension(label, [math.log10(value) for value in values], ticks)
    if len(distinct) > MAX_DISCRETE_TICKS:
        return _continuous_dimension(label, values, axis_ticks.linear_ticks(distinct[0], distinct[-1]))
    place = {value: round(index / max(1, len(distinct) - 1), PLACE_DIGITS) for index, value in enumerate(distinct)}
    return Dimension(
        label=label,
        places=[place[value] for value in values],
        ticks=[(place[value], _format_value(name, value)) for value in distinct],
    )


def _continuous_dimension(label: str, values: Sequence[float], ticks: Sequence[axis_ticks.Tick]) -> Dimension:
    low, high = min(values), max(values)
    width = high - low
    places = [round((value - low) / width, PLACE_DIGITS) if width else 0.5 for value in values]
    return Dimension(label=label, places=places, ticks=list(ticks))


def _format_value(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, float):
        return f"{value:.4g}"
    return choice_label(name, str(value))


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
