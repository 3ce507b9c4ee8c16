"""Exports runs as one HTML file with zoomable charts. It includes Plotly, so it opens anywhere, without a network.

`report.html`, `report.css` and `report.js` next to this file are its skeleton, style and script. The data are in the
file as JSON without a `<`, and the script inserts names and notes as text.
"""

from __future__ import annotations

import importlib.util
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core.analysis.run_table import SETTING_NAMES, metric_value
from mnist_core.config import SETTINGS
from mnist_core.errors import ExportError
from mnist_core.exports.train_command import train_command
from mnist_core.records import METRICS, Run, encode_json, json_value, round_number
from mnist_core.store.queries import Queries

FOLDER = Path(__file__).parent
MAX_POINTS = 600
"""Maximum number of points per curve; longer curves show means of equally many steps, without values that are not
finite."""

MAX_RUNS = 50
"""Maximum number of runs per report."""


def write_report(queries: Queries, runs: Sequence[Run], path: Path) -> None:
    """Write the report. Raises `ExportError` for more than `MAX_RUNS` runs."""
    if len(runs) > MAX_RUNS:
        raise ExportError(f"A report shows at most {MAX_RUNS} runs, got {len(runs)}. Choose fewer.")
    content = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "metrics": {name: metric.axis_label for name, metric in METRICS.items()},
        "settings": {name: SETTINGS[name].label for name in SETTING_NAMES},
        "runs": [_run_content(queries, run) for run in runs],
    }
    page = (FOLDER / "report.html").read_text(encoding="utf-8")
    parts = {
        "report.css": (FOLDER / "report.css").read_text(encoding="utf-8"),
        "plotly.min.js": _plotly().replace("</script", "<\\/script"),
        "report.json": encode_json(json_value(content)).replace("<", "\\u003c"),
        "report.js": (FOLDER / "report.js").read_text(encoding="utf-8"),
    }
    # In one pass: a part, such as the notes of a run, may hold what looks like a placeholder.
    path.write_text(re.sub(r"/\* ([a-z.]+) \*/", lambda match: parts[match[1]], page), encoding="utf-8")


def _plotly() -> str:
    """Read Plotly's JavaScript from its Python package, without importing that."""
    spec = importlib.util.find_spec("plotly")
    if spec is None or spec.origin is None:
        raise ExportError("Plotly, which draws the charts, is missing. Install it: pip install plotly")
    return (Path(spec.origin).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


def _run_content(queries: Queries, run: Run) -> dict[str, Any]:
    table = queries.read_steps(run.id)
    return {
        "name": run.name,
        "status": f"{run.status}, unverified" if run.unverified else str(run.status),
        "dataset": run.dataset,
        "notes": run.notes,
        "tags": run.tags,
        "settings": run.config,
        "metrics": {name: metric_value(run, name) for name in METRICS},
        "provenance": json_value(run.provenance) | {"command": train_command(run)} if run.provenance else None,
        "curves": {name: _reduce(table[name]) for name in ("loss", "accuracy")},
        "evaluations": [
            {
                "split": evaluation.split,
                "step": evaluation.step,
                "accuracy": evaluation.accuracy,
                "loss": round_number(evaluation.loss),
            }
            for evaluation in queries.list_evaluations(run.id)
        ],
    }


def _reduce(values: np.ndarray) -> dict[str, list[float | None]]:
    """Return the means of equally many values as `mean`, and the last step of each as `step`."""
    size = max(1, math.ceil(len(values) / MAX_POINTS))
    starts = range(0, len(values), size)
    means = [_finite_mean(values[start : start + size]) for start in starts]
    return {"step": [min(start + size, len(values)) for start in starts], "mean": means}


def _finite_mean(values: np.ndarray) -> float | None:
    """The mean of the values that are finite, with six significant digits; None if none is."""
    finite = values[np.isfinite(values)]
    # Divided before they are summed: the sum of large values may not be finite.
    return round_number(float((finite / len(finite)).sum())) if len(finite) else None
