"""The facts of a run as rows of small tables: pure functions of a run."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from mnist_core.analysis.run_table import metric_value
from mnist_core.config import SETTINGS, choice_label
from mnist_core.formatting import MISSING
from mnist_core.records import DETAIL_LABELS, METRICS, Provenance, Run
from mnist_core.setting import Setting
from mnist_dashboard.ui.formatting import format_count, format_metric, format_time

Rows = list[dict[str, str]]

COMMIT_LENGTH, CHECKSUM_LENGTH = 12, 16
"""Characters that tell commits and checksums apart; an export has all of them."""

_PROVENANCE_LABELS = {"platform": "System", "test_checksum": "Test set checksum"}
"""Labels that differ from the field's name."""

_SHOWN_APART = ("commit", "is_dirty", "packages", "precision")
"""Fields of the provenance that are part of another row or shown outside the table."""

_NOT_ALWAYS = ("network_checksum", "parameters")
"""Fields without a row if they are empty: only users' own networks have a file, and early runs have no number."""


def settings(run: Run) -> Rows:
    """The settings at the start of the run; for later changes see `interventions`."""
    return [
        {"Setting": setting.label, "Value": _setting_text(setting, getattr(run.config, name)), "Unit": setting.unit}
        for name, setting in SETTINGS.items()
    ]


def _setting_text(setting: Setting, value: Any) -> str:
    if setting.choices:
        return choice_label(setting.name, value)
    if setting.kind is bool:
        return "yes" if value else "no"
    return f"{value:g}" if setting.kind is float else str(value)


def results(run: Run) -> Rows:
    """The latest metrics, the progress and the times."""
    metrics = {metric.label: format_metric(metric_value(run, name), metric.unit) for name, metric in METRICS.items()}
    step = format_count(run.progress.step)
    return _to_rows(
        "Result",
        {
            **metrics,
            "Step": f"{step} of {format_count(run.total_steps)}" if run.total_steps else step,
            **{label: _format_field(getattr(run, name)) for name, label in DETAIL_LABELS.items()},
        },
    )


def _format_field(value: object) -> str:
    if value is None or isinstance(value, datetime):
        return format_time(value)
    return format_count(value) if isinstance(value, int | float) else str(value) or MISSING


def interventions(run: Run) -> Rows:
    """The changes during training, in order."""
    return [
        {
            "After step": format_count(change.step),
            "Setting": SETTINGS[change.field].label,
            "From": f"{change.old:g}",
            "To": f"{change.new:g}",
            "By": change.by,
            "At": format_time(change.at),
        }
        for change in run.interventions
    ]


def provenance(provenance: Provenance) -> Rows:
    """The code, packages, machine and data that a run was trained with."""
    commit = provenance.commit[:COMMIT_LENGTH] + (", with uncommitted changes" if provenance.is_dirty else "")
    rows = {"Code": commit if provenance.commit else "not from a git checkout"}
    for field in fields(Provenance):
        if field.name in _SHOWN_APART:
            continue
        label = _PROVENANCE_LABELS.get(field.name, field.name.replace("_", " ").capitalize())
        value = str(getattr(provenance, field.name))
        if field.name in _NOT_ALWAYS and not getattr(provenance, field.name):
            continue
        rows[label] = value[:CHECKSUM_LENGTH] if field.name.endswith("checksum") else value
    rows["Device"] += f", {provenance.precision}"
    return _to_rows("What", rows | provenance.packages)


def _to_rows(heading: str, values: dict[str, str]) -> Rows:
    return [{heading: label, "Value": value} for label, value in values.items()]
