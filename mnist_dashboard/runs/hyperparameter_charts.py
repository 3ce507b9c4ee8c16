"""What settings do to results, as axes and Plotly figures: pure functions of runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go

from mnist_core.analysis.importance import Importance
from mnist_core.analysis.run_table import METRICS, SETTING_NAMES, metric_value
from mnist_core.config import SETTINGS
from mnist_core.records import Run
from mnist_dashboard.components.parallel_coordinates import Dimension
from mnist_dashboard.ui import formatting

HEIGHT = 360
MOST_TICKS = 10
LOGARITHMIC = ("lr", "weight_decay", "batch_size")


def varied_settings(runs: Sequence[Run]) -> list[str]:
    """The settings in which the runs differ."""
    return [name for name in SETTING_NAMES if len({getattr(run.config, name) for run in runs}) > 1]


def runs_with_metric(runs: Sequence[Run], metric_name: str) -> list[Run]:
    """The runs that have this metric."""
    return [run for run in runs if metric_value(run, metric_name) is not None]


def dimensions(runs: Sequence[Run], settings: Sequence[str], metric_name: str) -> list[Dimension]:
    """The axes of parallel coordinates, the result last; the runs must have it."""
    results = [metric_value(run, metric_name) or 0.0 for run in runs]
    write = formatting.format_percent if METRICS[metric_name].unit == "share" else _written
    axes = [_dimension(name, [getattr(run.config, name) for run in runs]) for name in settings]
    return [*axes, _spread(METRICS[metric_name].label, results, write)]


def _dimension(name: str, values: Sequence[Any]) -> Dimension:
    """Words and few numbers stand at equal distances, each with its text; many numbers as far apart as they are, or as
    their orders of magnitude are."""
    label = SETTINGS[name].label
    occurring = sorted(set(values), key=lambda value: (isinstance(value, str), value))
    if len(occurring) > MOST_TICKS and name in LOGARITHMIC and min(values) > 0:
        return _spread(label, [math.log10(value) for value in values], lambda exponent: _written(10**exponent))
    if len(occurring) > MOST_TICKS:
        return _spread(label, values, _written)
    place = {value: index / max(1, len(occurring) - 1) for index, value in enumerate(occurring)}
    return Dimension(
        label=label,
        places=[place[value] for value in values],
        ticks=[(place[value], _written(value)) for value in occurring],
    )


def _spread(label: str, values: Sequence[float], write: Callable[[float], str]) -> Dimension:
    low, high = min(values), max(values)
    width = (high - low) or 1.0
    ticks = [(share, write(low + share * (high - low))) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    return Dimension(label=label, places=[(value - low) / width for value in values], ticks=ticks)


def _written(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def scatter(runs: Sequence[Run], setting: str, metric_name: str, color: str) -> go.Figure:
    """Each run's result over one setting."""
    figure = go.Figure(
        go.Scatter(
            x=[getattr(run.config, setting) for run in runs],
            y=[metric_value(run, metric_name) for run in runs],
            text=[escaped(run.name) for run in runs],
            mode="markers",
            marker={"size": 9, "opacity": 0.7, "color": color},
            hovertemplate="%{text}<br>%{x}: %{y}<extra></extra>",
        )
    )
    numbers = not SETTINGS[setting].choices and SETTINGS[setting].kind is not bool
    positive = all(getattr(run.config, setting) for run in runs)
    figure.update_layout(height=HEIGHT, margin={"l": 64, "r": 12, "t": 12, "b": 44})
    figure.update_xaxes(
        title=SETTINGS[setting].label,
        type="log" if numbers and positive and setting in LOGARITHMIC else "linear" if numbers else "category",
    )
    shown = METRICS[metric_name]
    figure.update_yaxes(title=shown.label, tickformat=".2%" if shown.unit == "share" else "")
    return figure


def bars(found: Sequence[Importance], color: str) -> go.Figure:
    """The share of each setting in what can be explained, the largest on top."""
    shown = list(reversed(found))
    figure = go.Figure(
        go.Bar(
            x=[one.share for one in shown],
            y=[one.label for one in shown],
            orientation="h",
            marker={"color": color},
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    figure.update_layout(height=max(160, 44 + 30 * len(shown)), margin={"l": 12, "r": 12, "t": 12, "b": 36})
    figure.update_xaxes(tickformat=".0%", range=[0, 1])
    figure.update_yaxes(automargin=True)
    return figure


def escaped(text: str) -> str:
    """Text for Plotly, which renders a subset of HTML: names come from people."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
