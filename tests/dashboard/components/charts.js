/** Charts for the tests of the chart's modules: small runs, and the view that draws them. */
import { RunSeries } from "../../../mnist_dashboard/feed/client/series.js";
import { makeView } from "../../../mnist_dashboard/components/live_chart/model/view.js";
import { makeRun } from "./factories.js";

/**
 * @import { ChartData } from "../../../mnist_dashboard/components/live_chart/live_chart.js"
 * @import { ChartRun, View } from "../../../mnist_dashboard/components/live_chart/model/view.js"
 */

/** @type {ChartData} */
export const DATA = {
  title: "Loss", field: "loss", runs: [], smoothing: 0, log: false, x: "step", logx: false, baseline: null, bands: false, best: true,
  only: null, ghost: null, height: 300, xtitle: true, epochs: [], total_steps: 3, empty: "Nothing yet.", legend: true, fault: null, cursor: null,
  uirevision: "a",
};

export const COLORS = {
  train: "#000001", validation: "#000002", test: "#000003", runs: ["#000010", "#000020", "#000030"], sequential: [], intervention: "",
  fault: "", faultText: "", muted: "", background: "#FFFFFF", text: "", font: "", grid: "", line: "", ghost: "#808080", rawOpacity: 0.3,
};

/**
 * A run of some steps, by default three, with one test evaluation at its last step.
 * @param {number} id @param {Partial<ChartRun>} [fields] @param {(number|null)[]} [loss] @returns {ChartRun}
 */
export function chartRun(id, fields = {}, loss = [3 * id, 2 * id, id]) {
  const series = new RunSeries(id, 0);
  const steps = loss.map((_, i) => i + 1);
  const rest = steps.map((step) => step / 10);
  const numbers = { accuracy: rest, examples_per_second: rest, lr: rest, elapsed_seconds: rest };
  series.append({ run: id, attempt: 1, first: 1, loss, ...numbers, matrix: null, matrix_batches: 100 });
  const evaluation = { run: id, attempt: 1, step: steps.length, epoch: 1, loss: id, accuracy: 0.9, confusion: [] };
  series.addEvaluation({ ...evaluation, split: "test" });
  const stepToX = (/** @type {number} */ step) => step;
  const summary = makeRun({ id, seed_group: `group ${id}`, settings: { seed: id } });
  return { id, name: `<run ${id}>`, color: id - 1, series, summary, stepToX, x: steps, fork: undefined, ...fields };
}

/**
 * Runs that differ only in their seeds, with these losses.
 * @param {(number|null)[][]} losses @param {{first?: number, lr?: number}} [options] id of the first run, learning rate of all
 */
export function seedRuns(losses, { first = 1, lr = 0.01 } = {}) {
  return losses.map((loss, i) => {
    const id = first + i;
    return chartRun(id, { summary: makeRun({ id, seed_group: `lr ${lr}`, settings: { lr, seed: id } }) }, loss);
  });
}

/**
 * @param {ChartRun[]} runs @param {Partial<ChartData>} [data] @param {Partial<Parameters<typeof makeView>[2]>} [context]
 * @returns {View}
 */
export function makeTestView(runs, data = {}, context = {}) {
  const listed = runs.map(({ id, name, color }) => ({ id, name, color }));
  const baseline = context.baseline?.id ?? null;
  return makeView({ ...DATA, runs: listed, baseline, ...data }, runs, { colors: COLORS, width: 800, height: 400, ...context });
}
