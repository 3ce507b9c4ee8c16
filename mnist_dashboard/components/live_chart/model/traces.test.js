import assert from "node:assert/strict";
import { test } from "node:test";

import { RunSeries } from "../../../feed/client/series.js";
import { buildLayout } from "./layout.js";
import { buildTraces } from "./traces.js";

/** @import { ChartData, ChartRun, View } from "../live_chart.js" */

/**
 * A run of three steps with one test evaluation.
 * @param {number} id @param {Partial<ChartRun>} [fields] @param {(number|null)[]} [loss] @returns {ChartRun}
 */
function chartRun(id, fields = {}, loss = [3 * id, 2 * id, id]) {
  const series = new RunSeries(id, 0);
  const rest = [0.1, 0.2, 0.3];
  const numbers = { accuracy: rest, examples_per_second: rest, lr: rest, elapsed_seconds: rest };
  series.append({ run: id, attempt: 1, first: 1, loss, ...numbers, matrix: null, matrix_batches: 100 });
  series.addEvaluation({ run: id, attempt: 1, step: 3, epoch: 1, split: "test", loss: id, accuracy: 0.9, confusion: [] });
  const stepToX = (/** @type {number} */ step) => step;
  return { id, name: `<run ${id}>`, color: id - 1, series, stepToX, x: [1, 2, 3], seedGroup: [id], fork: undefined, ...fields };
}

/** @type {ChartData} */
const DATA = {
  title: "Loss", field: "loss", runs: [], smoothing: 0, log: false, x: "step", logx: false, baseline: null, bands: false, best: true,
  only: null, height: 300, xtitle: true, epochs: [], total_steps: 3, empty: "Nothing yet.", legend: true, fault: null, uirevision: "a",
};
const COLORS = {
  train: "#000001", validation: "#000002", test: "#000003", runs: ["#000010", "#000020", "#000030"], sequential: [], intervention: "",
  fault: "", faultText: "", muted: "", background: "#FFFFFF", text: "", font: "", grid: "", line: "", rawOpacity: 0.3,
};

/** @param {ChartRun[]} runs @param {Partial<View>} [fields] @returns {View} */
function makeView(runs, fields = {}) {
  return {
    data: DATA, colors: COLORS, width: 800, narrow: false, several: runs.length > 1, bands: false, baseline: null, interventions: [],
    shown: runs, drawn: runs, ...fields,
  };
}

/** @param {View} view */
const uids = (view) => buildTraces(view).map(({ uid }) => uid);

test("one run alone is drawn batch by batch, smoothed, and with its evaluations", () => {
  assert.deepEqual(uids(makeView([chartRun(1)])), ["1-raw", "1-smooth", "1-test"]);
});

test("of several runs each has its colour, and its best evaluation a ring", () => {
  const traces = buildTraces(makeView([chartRun(1), chartRun(2)]));
  assert.deepEqual(traces.map(({ uid }) => uid), ["1-smooth", "1-test", "1-best", "2-smooth", "2-test", "2-best"]);
  assert.deepEqual(traces[3].line, { color: COLORS.runs[1], dash: "solid", shape: "linear", width: 2 });
});

test("names are text to Plotly", () => {
  const traces = buildTraces(makeView([chartRun(1), chartRun(2)]));
  assert.equal(traces[0].name, "&lt;run 1&gt;");
});

test("against a baseline curves and evaluations are differences", () => {
  const traces = buildTraces(makeView([chartRun(2)], { baseline: chartRun(1), several: true }));
  assert.deepEqual(traces.map(({ uid, y }) => [uid, y]), [["2-smooth", [3, 2, 1]], ["2-test", [1]]]);
});

test("a value that is missing is a gap in the line, and the missing mark in its hover text", () => {
  const [raw, smooth] = buildTraces(makeView([chartRun(1, {}, [3, null, 1])]));
  assert.deepEqual(raw.y, [3, null, 1]);
  assert.deepEqual(smooth.y, [3, null, 1]);
  assert.deepEqual(smooth.hoverTexts?.(), ["3.000", "–", "1.000"]);
  assert(![raw, smooth].some((trace) => trace.connectgaps));
});

test("a chart of a run without any finite loss has finite axes", () => {
  const { layout } = buildLayout(makeView([chartRun(1, {}, [null, null, null])]), undefined);
  const ends = [...(layout.xaxis.range ?? [NaN]), ...(layout.yaxis.range ?? [NaN])];
  assert(ends.every(Number.isFinite), `${ends}`);
});

test("a pale line is named at its last value, though the run diverged after it", () => {
  const colors = { ...COLORS, runs: ["#FEFEFE"] };
  const view = makeView([chartRun(1, {}, [3, 2, null]), chartRun(2, {}, [null, null, null])], { colors });
  const { layout } = buildLayout(view, undefined);
  assert.deepEqual(/** @type {{x: number, y: number}[]} */ (layout.annotations).map(({ x, y }) => [x, y]), [[2, 2]]);
});

test("runs that differ only in their seeds become one mean with a band", () => {
  const seedGroup = [1, 2];
  const view = makeView([chartRun(1, { seedGroup }), chartRun(2, { seedGroup }), chartRun(3)], { bands: true });
  assert.deepEqual(uids(view), ["3-smooth", "3-test", "3-best", "1-low", "1-high", "1-mean"]);
  assert.deepEqual(buildTraces(view).at(-1)?.y, [4.5, 3, 1.5]);
});

test("a chart without data says what it waits for", () => {
  const { layout } = buildLayout(makeView([]), undefined);
  assert.deepEqual(/** @type {{text: string}[]} */ (layout.annotations).map(({ text }) => text), ["Nothing yet."]);
  assert.deepEqual(layout.xaxis.range, [0, 3]);
});

test("epochs, forks and interventions are marked by vertical lines", () => {
  const data = { ...DATA, epochs: [1, 2, 3] };
  const interventions = [{ step: 2, number: 1, text: "lr 0.1 → 0.2", hover: "Step 2" }];
  const view = makeView([chartRun(1, { fork: { step: 1, text: "from parent" } })], { data, interventions });
  const { layout } = buildLayout(view, undefined);
  assert.deepEqual(/** @type {{x0: number}[]} */ (layout.shapes).map(({ x0 }) => x0), [1, 2, 3, 1, 2]);
  const texts = /** @type {{text: string}[]} */ (layout.annotations).map(({ text }) => text);
  assert.deepEqual(texts, ["epoch 1", "epoch 2", "epoch 3", "from parent", "1  lr 0.1 → 0.2"]);
});
