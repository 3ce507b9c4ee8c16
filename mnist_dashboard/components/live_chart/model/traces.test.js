import assert from "node:assert/strict";
import { test } from "node:test";

import { buildTraces } from "./traces.js";
import { chartRun, makeTestView, seedRuns } from "#tests/charts.js";

/** @import { View } from "./view.js" */

/** @param {View} view */
const uids = (view) => buildTraces(view).map(({ uid }) => uid);

test("one run alone is drawn batch by batch, smoothed, and with its evaluations", () => {
  assert.deepEqual(uids(makeTestView([chartRun(1)])), ["1-raw", "1-smooth", "1-test"]);
});

test("of several runs each has its colour, and its best evaluation a ring", () => {
  const view = makeTestView([chartRun(1), chartRun(2)]);
  const traces = buildTraces(view);
  assert.deepEqual(traces.map(({ uid }) => uid), ["1-smooth", "1-test", "1-best", "2-smooth", "2-test", "2-best"]);
  assert.deepEqual(traces[3].line, { color: view.colors.runs[1], dash: "solid", shape: "linear", width: 2 });
});

test("one run in a colour of its own shows its batches, too", () => {
  const view = makeTestView([chartRun(2)], { smoothing: 0.5 });
  assert.deepEqual(buildTraces(view).slice(0, 2).map(({ uid, line }) => [uid, line?.color]), [
    ["2-raw", view.colors.runs[1]], ["2-smooth", view.colors.runs[1]],
  ]);
});

test("names are text to Plotly", () => {
  const traces = buildTraces(makeTestView([chartRun(1), chartRun(2)]));
  assert.equal(traces[0].name, "&lt;run 1&gt;");
});

test("long names differ where they differ, in legend and hover texts", () => {
  const runs = [1, 2].map((id) => chartRun(id, { name: `mnist-classic-baseline-with-momentum-seed${id}` }));
  const traces = buildTraces(makeTestView(runs));
  for (const key of ["name", "hovertemplate"]) {
    assert.match(String(traces[0][key]), /seed1/);
    assert.match(String(traces[3][key]), /seed2/);
  }
});

test("against a baseline curves, evaluations and rings are differences", () => {
  const traces = buildTraces(makeTestView([chartRun(2)], {}, { baseline: chartRun(1) }));
  assert.deepEqual(traces.map(({ uid, y }) => [uid, y]), [["2-smooth", [3, 2, 1]], ["2-test", [1]], ["2-best", [1]]]);
});

test("a value that is missing is a gap in the line, and the missing mark in its hover text", () => {
  const [raw, smooth, dots] = buildTraces(makeTestView([chartRun(1, {}, [3, null, 1])]));
  assert.deepEqual(raw.y, [3, null, 1]);
  assert.deepEqual(smooth.y, [3, null, 1]);
  assert.deepEqual(smooth.hoverTexts?.(), ["3.000", "–", "1.000"]);
  assert(![raw, smooth].some((trace) => trace.connectgaps));
  assert.deepEqual([dots.x, dots.y], [[1, 3], [3, 1]]);
});

test("a single point is a dot: of a run of one step, and of a group that has just begun", () => {
  const [, smooth, dots] = buildTraces(makeTestView([chartRun(1, {}, [3])]));
  assert.deepEqual([dots.uid, dots.mode, dots.x, dots.y], ["1-smooth-dots", "markers", [1], [3]]);
  assert.equal(/** @type {{color: string}} */ (dots.marker).color, smooth.line?.color);
  const group = buildTraces(makeTestView(seedRuns([[3], [1]]), { bands: true }));
  const mean = group.filter(({ uid }) => uid === "1-mean-dots");
  assert.deepEqual(mean.map(({ y }) => y), [[2]]);
  const bars = mean.map(({ error_y: error }) => /** @type {{array: number[]}} */ (error).array);
  assert.deepEqual(bars.map(([size]) => size.toFixed(3)), ["1.414"]);
});

test("runs that differ only in their seeds become one mean with a band and their mean evaluations", () => {
  const view = makeTestView([...seedRuns([[3, 2, 1], [6, 4, 2]]), chartRun(3, { summary: undefined })], { bands: true });
  assert.deepEqual(uids(view), ["1-low", "1-high", "1-mean", "1-test", "1-best", "3-smooth", "3-test", "3-best"]);
  const traces = new Map(buildTraces(view).map((trace) => [trace.uid, trace]));
  assert.deepEqual(traces.get("1-mean")?.y, [4.5, 3, 1.5]);
  assert.deepEqual(traces.get("1-test")?.y, [1.5]);
  assert.deepEqual(traces.get("1-mean")?.hoverTexts?.()[0], "4.500 ± 2.121");
});

test("a group is called by what differs", () => {
  const runs = [...seedRuns([[3, 2, 1], [6, 4, 2]]), ...seedRuns([[3, 2, 1], [6, 4, 2], [1, 1, 1]], { first: 5, lr: 0.02 })];
  const means = buildTraces(makeTestView(runs, { bands: true })).filter(({ uid }) => uid.endsWith("mean"));
  assert.deepEqual(means.map(({ name }) => name), ["lr 0.01, 2 seeds", "lr 0.02, 3 seeds"]);
  assert.match(String(means[1].hovertemplate), /^lr 0.02, 3 seeds /);
});

test("where only one run of a group goes on, it is drawn thin", () => {
  const traces = buildTraces(makeTestView(seedRuns([[3], [5, 4, 3]]), { bands: true }));
  const alone = traces.find(({ uid }) => uid === "1-alone");
  assert.deepEqual(alone?.y, [null, 4, 3]);
  assert.equal(alone?.line?.width, 1);
});

test("a small multiple of one run of a group shows the group", () => {
  const runs = [...seedRuns([[3, 2, 1], [6, 4, 2]]), chartRun(3, { summary: undefined })];
  for (const only of [1, 2]) {
    assert.deepEqual(uids(makeTestView(runs, { bands: true, only })), ["1-low", "1-high", "1-mean", "1-test", "1-best"]);
  }
  assert.deepEqual(uids(makeTestView(runs, { bands: true, only: 3 })), ["3-smooth", "3-test", "3-best"]);
});

test("bands stay above zero, and those of shares below 100 %", () => {
  const runs = seedRuns([[3, 2, 1], [6, 4, 2]]);
  runs[0].series.accuracy.smooth = [1, 0.01, 0.9];
  runs[1].series.accuracy.smooth = [0.95, 0.2, 1];
  const traces = buildTraces(makeTestView(runs, { bands: true, field: "accuracy" })).filter(({ uid }) => /low|high/.test(uid));
  for (const { y } of traces) assert(y.every((value) => value !== null && value >= 0 && value <= 1));
  const [low] = buildTraces(makeTestView(seedRuns([[3, 2], [0.1, 0.1], [0.1, 0.1]]), { bands: true }));
  assert.deepEqual(low.y, [0, 0]);
});

test("the previous run is a grey line between the batches and the curve", () => {
  const view = makeTestView([chartRun(1)], { smoothing: 0.5 }, { ghost: chartRun(2, { name: "run-6" }) });
  const traces = buildTraces(view);
  assert.deepEqual(traces.map(({ uid }) => uid), ["1-raw", "ghost", "1-smooth", "1-test"]);
  assert.deepEqual(traces[1].line, { color: view.colors.ghost, width: 1.5 });
  assert.equal(traces[1].name, "run-6, before");
});

test("names are cut only where they have no room", () => {
  const runs = ["0.01", "0.03", "0.1"].map((rate, i) => chartRun(i + 1, { name: `learning rate ${rate}` }));
  for (const width of [366, 450, 680]) {
    assert.deepEqual(makeTestView(runs, {}, { width }).drawn.map(({ name }) => name), runs.map(({ name }) => name));
  }
  const traces = buildTraces(makeTestView([chartRun(1)], {}, { ghost: runs[1], width: 680 }));
  assert(traces.some(({ name }) => name === "learning rate 0.03, before"));
  const [cut] = makeTestView([chartRun(1, { name: "x".repeat(40) }), runs[1]], {}, { width: 366 }).drawn;
  assert(cut.name.length < 24);
});

test("the hover text of the best evaluation says so", () => {
  const run = chartRun(2);
  run.series.addEvaluation({ run: 2, attempt: 1, step: 1, epoch: 1, split: "test", loss: 9, accuracy: 0.5, confusion: [] });
  const tests = buildTraces(makeTestView([chartRun(1), run])).filter(({ uid }) => uid === "2-test");
  assert.deepEqual(tests.map(({ customdata }) => customdata), [[["9.000", "step 1"], ["2.000 (best)", "step 3"]]]);
});

test("one box tells all values while it fits into the chart, else the nearest point tells its own and where it is", () => {
  const runs = [1, 2, 3, 4, 5, 6, 7, 8].map((id) => chartRun(id));
  const few = makeTestView(runs.slice(0, 7));
  assert(few.unified);
  assert.equal(buildTraces(few)[0].hovertemplate, "&lt;run 1&gt; %{customdata}<extra></extra>");
  for (const view of [makeTestView(runs), makeTestView(runs.slice(0, 2), {}, { width: 366 })]) {
    assert(!view.unified);
    assert.equal(buildTraces(view)[0].hovertemplate, "&lt;run 1&gt; %{customdata}<br>Step %{x:,d}<extra></extra>");
  }
});

test("a curve that is not smoothed does not say that it is", () => {
  assert.equal(buildTraces(makeTestView([chartRun(1)], { smoothing: 0 }))[1].name, "Train");
  assert.equal(buildTraces(makeTestView([chartRun(1)], { smoothing: 0.5 }))[1].name, "Smoothed");
});
