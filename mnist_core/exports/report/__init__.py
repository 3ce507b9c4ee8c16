"""Exports runs as one HTML file with zoomable charts. It includes Plotly, so it opens anywhere, without a network.

`report.html`, `report.css` and `report.js` next to this file are its skeleton, style and script; `content` writes what
they show. The data are in the file as JSON without a `<`, and the script inserts names and notes as text.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path

from mnist_core.errors import ExportError
from mnist_core.exports.report.content import report_content
from mnist_core.records import Run, encode_json, json_value
from mnist_core.store.queries import Queries

FOLDER = Path(__file__).parent

MAX_RUNS = 50
"""Maximum number of runs per report."""


def write_report(queries: Queries, runs: Sequence[Run], path: Path) -> None:
    """Write the report. Raises `ExportError` for more than `MAX_RUNS` runs."""
    if len(runs) > MAX_RUNS:
        raise ExportError(f"A report shows at most {MAX_RUNS} runs, got {len(runs)}. Choose fewer.")
    content = report_content(queries, runs)
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
