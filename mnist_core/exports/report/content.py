"""What a report says, as JSON values: texts that are ready to show, and the numbers of its charts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from mnist_core import labels
from mnist_core.analysis.comparison.compare import compare_runs
from mnist_core.analysis.comparison.multiple_comparisons import compare_several, pair_row
from mnist_core.analysis.run_table import SETTING_NAMES, metric_value
from mnist_core.analysis.seed_groups import group_by_seed
from mnist_core.analysis.smoothing import adapted_smoothing, reduce_curve
from mnist_core.config import SETTINGS, choice_label
from mnist_core.errors import MnistError
from mnist_core.exports.train_command import train_command
from mnist_core.formatting import MISSING, THIN_SPACE, format_count, format_metric
from mnist_core.records import METRICS, EvalMetrics, Provenance, Run, round_number
from mnist_core.store.queries import Queries

MAX_POINTS = 600
"""Maximum number of points per curve; longer curves are reduced to as many buckets of steps, after smoothing."""

Json = dict[str, Any]
"""A JSON object."""


def report_content(queries: Queries, runs: Sequence[Run]) -> Json:
    """Return the content of the report on at least one run."""
    smoothing = adapted_smoothing(min((run.total_steps for run in runs if run.total_steps), default=0))
    return {
        "written_at": datetime.now(UTC).timestamp(),
        "verdict": _verdict(queries, runs),
        "key": (
            f"Lines: train ({labels.SMOOTHED}). Dotted: validation. ◆: test. Lines are exponential averages with "
            f"weight {smoothing:g} of the past, corrected for their start, as on the pages."
        ),
        "titles": {
            "loss": "Loss",
            "accuracy": "Accuracy",
            "step": labels.STEP,
            "environment": labels.ENVIRONMENT,
            "settings": labels.SETTINGS,
            "changes": labels.CHANGES,
            "train_again": f"{labels.TRAIN_AGAIN}, from the folder of the program",
        },
        "table": _table(runs),
        "runs": [_run_content(queries, run, smoothing) for run in runs],
    }


def _verdict(queries: Queries, runs: Sequence[Run]) -> Json | None:
    """Return which of the runs is better, as the Verdict view says it; None if there is nothing to compare."""
    sides = [[run.id] for run in runs]
    if len(runs) > 2:
        sides = [[run.id for run in group.runs] for group in group_by_seed(runs)]
    if len(sides) < 2:
        return None
    try:
        if len(sides) == 2:
            verdict = compare_runs(queries, *sides)
            rows = [["", "Value", "How it is computed"]]
            rows += [[detail.label, detail.value, detail.help] for detail in verdict.details]
            return {"sentence": verdict.sentence, "notes": verdict.warnings, "rows": rows}
        several = compare_several(queries, sides)
    except MnistError as error:
        return {"sentence": f"There is no verdict. {error}", "notes": [], "rows": []}
    cells = [pair_row(pair) for pair in several.pairs]
    rows = [list(cells[0]), *(list(row.values()) for row in cells)]
    return {"sentence": several.sentence, "notes": several.warnings, "rows": rows}


def _table(runs: Sequence[Run]) -> Json:
    """Return one row per run: what it is, the settings in which the runs differ, and its metrics."""
    differing = [name for name in SETTING_NAMES if len({str(getattr(run.config, name)) for run in runs}) > 1]
    titles = ["Run", "Status", SETTINGS["dataset"].label, *(SETTINGS[name].label for name in differing)]
    best = {
        dataset: max(metric_value(run, "test_accuracy") or 0.0 for run in runs if run.dataset == dataset)
        for dataset in {run.dataset for run in runs}
    }
    return {
        "titles": [*titles, *(metric.label for metric in METRICS.values())],
        "rows": [
            [
                run.name,
                _status(run),
                run.dataset or MISSING,
                *(_setting(run, name) for name in differing),
                *(format_metric(metric_value(run, name), metric.unit) for name, metric in METRICS.items()),
            ]
            for run in runs
        ],
        "best": [len(runs) > 1 and metric_value(run, "test_accuracy") == best[run.dataset] for run in runs],
        "best_column": len(titles) + list(METRICS).index("test_accuracy"),
    }


def _status(run: Run) -> str:
    return f"{run.shown_status.label}, unverified" if run.unverified else run.shown_status.label


def _setting(run: Run, name: str) -> str:
    """Return the value of a setting in words, with its unit."""
    setting, value = SETTINGS[name], getattr(run.config, name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = choice_label(name, value) if setting.choices else f"{value:g}" if isinstance(value, float) else value
    return f"{text}{THIN_SPACE}{setting.unit}" if setting.unit else str(text)


def _run_content(queries: Queries, run: Run, smoothing: float) -> Json:
    steps = queries.read_steps(run.id)
    evaluations = queries.list_evaluations(run.id)
    return {
        "name": run.name,
        "notes": run.notes,
        "reason": run.reason,
        "facts": _facts(run),
        "times": {
            labels.CREATED: run.created_at.timestamp(),
            labels.STARTED: run.started_at and run.started_at.timestamp(),
            labels.ENDED: run.finished_at and run.finished_at.timestamp(),
        },
        "settings": {SETTINGS[name].label: _setting(run, name) for name in SETTING_NAMES},
        "changes": [
            [
                f"After step {format_count(change.step)}",
                f"{SETTINGS[change.field].label} {change.old:g} → {change.new:g}, by {change.by}",
            ]
            for change in run.interventions
        ],
        "environment": _environment(run.provenance),
        "command": train_command(run) if run.provenance else "",
        "curves": {name: _curve(steps[name], smoothing) for name in ("loss", "accuracy")},
        "evaluations": [
            {
                "split": evaluation.split,
                "step": evaluation.step,
                "accuracy": evaluation.accuracy,
                "loss": round_number(evaluation.loss),
            }
            for evaluation in evaluations
        ],
        "matrix": _matrix(evaluations),
    }


def _facts(run: Run) -> dict[str, str]:
    """Return the status, progress and metrics of a run as texts by label."""
    progress = format_count(run.progress.step)
    if run.total_steps:
        progress += f" of {format_count(run.total_steps)}"
    facts = {"Status": _status(run), labels.STEP: progress}
    facts |= {metric.label: format_metric(metric_value(run, name), metric.unit) for name, metric in METRICS.items()}
    return facts | ({"Tags": ", ".join(run.tags)} if run.tags else {})


def _environment(provenance: Provenance | None) -> dict[str, str]:
    if provenance is None:
        return {}
    code = provenance.commit + (", with uncommitted changes" if provenance.is_dirty else "")
    return {
        "Code": code if provenance.commit else "not from a git checkout",
        "Packages": ", ".join(" ".join(package) for package in provenance.packages.items()),
        "Machine": f"{provenance.processor}, {provenance.platform}, Python {provenance.python}",
        "Device": f"{provenance.device}, {provenance.precision}, threads: {provenance.threads}",
        "Dataset": f"{provenance.dataset}, SHA-256 {provenance.dataset_checksum}",
    }


def _curve(values: np.ndarray, smoothing: float) -> Json:
    """Return the smoothed curve and its extremes; `step` is the last step of each bucket."""
    size = max(1, math.ceil(len(values) / MAX_POINTS))
    starts = np.arange(0, len(values), size)
    finite = values.astype(np.float64)
    finite[~np.isfinite(finite)] = np.nan
    curve, _ = reduce_curve(finite, starts, smoothing)
    reduced = {kind: [round_number(value) for value in bucket.tolist()] for kind, bucket in curve.items()}
    return {"step": np.minimum(starts + size, len(values)).tolist(), **reduced}


def _matrix(evaluations: Sequence[EvalMetrics]) -> Json | None:
    """Return the confusion matrix of the last test evaluation, else of the last one; None without evaluations."""
    tests = [evaluation for evaluation in evaluations if evaluation.split == "test"]
    if not (tests or evaluations):
        return None
    evaluation = (tests or evaluations)[-1]
    split = labels.TEST if evaluation.split == "test" else labels.VALIDATION
    return {
        "title": f"Confusion matrix: {split.lower()} images after step {format_count(evaluation.step)}",
        "counts": evaluation.confusion,
    }
