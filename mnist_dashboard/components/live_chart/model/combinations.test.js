import assert from "node:assert/strict";
import { test } from "node:test";

import { chartRun, makeTestView } from "#tests/charts.js";
import { makeRun } from "#tests/factories.js";
import { CHART_AXES, CHART_FIELDS } from "#tests/fixtures.js";

import { CURVES } from "../../lib/constants.js";
import { stepToX } from "./axes/x_axes.js";
import { buildLayout } from "./layout.js";
import { buildTraces } from "./traces.js";

/**
 * @import { ChartField } from "../../lib/types"
 * @import { ChartData } from "../live_chart.js"
 * @import { PlotlyAxis, Trace } from "../plotly"
 * @import { Axis } from "./axes/x_axes.js"
 * @import { ChartRun } from "./view.js"
 */

const SEEDS = { 1: 300, 2: 240, 3: 1 }; // runs of one group, and how many steps they have
const OTHERS = { 4: 150, 5: 40 };

/**
 * A run whose loss falls from 2.3, with a gap, a value of zero and a spike; runs with odd numbers learn better.
 * @param {number} id @param {number} steps @param {Axis} axis @returns {ChartRun}
 */
function madeRun(id, steps, axis) {
  const loss = Array.from({ length: steps }, (_, i) => (2.3 * Math.exp(-i / 60)) / (1 + (id % 2)) + 0.01 * ((i * id) % 5));
  /** @type {(number|null)[]} */
  const losses = loss.map((value, i) => (i === 20 || i === 22 ? null : i === 30 ? 0 : i === 35 ? 9 + id : value));
  const isSeed = id in SEEDS;
  const ends = [steps, 2 * steps];
  const settings = { seed: isSeed ? id : 1, lr: isSeed ? 0.01 : 0.1 * id, batch_size: 64 };
  const summary = makeRun({ id, settings, seed_group: isSeed ? "seeds" : `group ${id}`, train_images: 64 * steps, epoch_ends: ends });
  const run = chartRun(id, { name: `run-${id}`, summary }, losses);
  const { series } = run;
  series.examples_per_second.smooth = losses.map((_, i) => (i === 3 ? 0 : 4_000 + 10 * id * i));
  series.lr = losses.map((_, i) => (i === 0 && steps > 1 ? 0 : 0.1 / id));
  series.accuracy.smooth = losses.map((_, i) => 1 - 0.9 * Math.exp(-i / (10 * id)));
  for (const step of [Math.ceil(steps / 2), steps]) {
    const evaluation = { run: id, attempt: 1, step, epoch: 1, loss: 0.05 * id, accuracy: 1 - 0.01 * id, confusion: [] };
    series.addEvaluation({ ...evaluation, split: "validation" });
  }
  const toX = stepToX(axis, series, summary);
  return { ...run, stepToX: toX, x: series.x.map(toX) };
}

/** Every choice of one value for each option. @returns {Record<string, any>[]} */
function combinations() {
  const options = {
    field: CHART_FIELDS, x: CHART_AXES, log: [false, true], logx: [false, true], bands: [false, true], best: [false, true],
    baseline: [false, true], smoothing: [0, 0.9], only: [null, 2, 4],
  };
  return Object.entries(options).reduce(
    (all, [name, values]) => all.flatMap((chosen) => values.map((value) => ({ ...chosen, [name]: value }))),
    /** @type {Record<string, any>[]} */ ([{}]),
  );
}

/** @param {PlotlyAxis} axis */
function contains(axis) {
  const [low, high] = axis.range ?? [NaN, NaN];
  const isLog = axis.type === "log";
  const room = 1e-9 * Math.max(1, Math.abs(low), Math.abs(high));
  return (/** @type {number} */ value) => {
    const at = isLog ? Math.log10(value) : value;
    return at >= low - room && at <= high + room;
  };
}

/** The points that a trace draws, with its error bars. @param {Trace} trace */
function pointsOf({ x, y, error_y: error }) {
  const size = /** @type {{array: number[]}|undefined} */ (error)?.array[0] ?? 0;
  return x.flatMap((position, i) => {
    const value = y[i] ?? null;
    return position === null || value === null ? [] : [[position, value - size], [position, value + size]];
  });
}

/** What must be drawn, by the ends of the traces' names. @param {ChartData} data @param {boolean} isGroup */
function expectedParts(data, isGroup) {
  const isEvaluated = data.field === "loss" || data.field === "accuracy";
  return [
    ...(isGroup ? ["low", "high", "mean"] : ["smooth"]),
    ...(isEvaluated ? ["validation", "test", ...(data.best ? ["best"] : [])] : []),
  ];
}

test("in every combination of options all that is asked for is drawn, and lies within the axes", () => {
  let count = 0;
  const numbers = Object.entries({ ...SEEDS, ...OTHERS });
  const runsByAxis = new Map(CHART_AXES.map((axis) => (
    [axis, numbers.map(([id, steps]) => madeRun(Number(id), steps, /** @type {Axis} */ (axis)))]
  )));
  for (const { baseline: isDifference, ...options } of combinations()) {
    const data = /** @type {Partial<ChartData> & {field: ChartField, x: Axis}} */ (options);
    const runs = runsByAxis.get(data.x) ?? [];
    const view = makeTestView(runs, { ...data, total_steps: 300 }, isDifference ? { baseline: runs[0] } : {});
    const traces = buildTraces(view);
    const { layout } = buildLayout(view, undefined);
    const [inX, inY] = [contains(layout.xaxis), contains(layout.yaxis)];
    const what = JSON.stringify({ isDifference, ...options });
    for (const trace of traces) {
      for (const [x, y] of pointsOf(trace)) {
        if (!inX(x)) assert.fail(`${trace.uid} has x ${x} beyond ${layout.xaxis.range}, ${what}`);
        // The start of the accuracy axis hides the beginning of good runs.
        const isBelowFloor = data.field === "accuracy" && !isDifference && y >= 0 && y < Number(layout.yaxis.range?.[0]);
        if (!inY(y) && !isBelowFloor) assert.fail(`${trace.uid} has y ${y} beyond ${layout.yaxis.range}, ${what}`);
      }
    }
    const groups = data.bands ? [["1", "2", "3"], ["4"], ["5"]] : [["1"], ["2"], ["3"], ["4"], ["5"]];
    const shown = groups.filter((ids) => !data.only || ids.includes(String(data.only)));
    const drawn = new Set(traces.filter((trace) => pointsOf(trace).length).map(({ uid }) => uid));
    for (const ids of shown) {
      for (const part of expectedParts(view.data, ids.length > 1)) assert(drawn.has(`${ids[0]}-${part}`), `${ids[0]}-${part}: ${what}`);
    }
    const drawnIds = new Set([...drawn].map((uid) => uid.split("-")[0]));
    assert.deepEqual([...drawnIds].sort(), shown.map(([id]) => id), what);
    count += 1;
  }
  assert.equal(count, CHART_FIELDS.length * CHART_AXES.length * 2 ** 6 * 3);
  assert.equal(CURVES.length, 3);
});
