/**
 * The numbers of a chart: the curve of a run or the mean and band of a group of seeds, their differences to a baseline, and their
 * evaluations. Axes and traces are made from the same numbers, so that everything drawn fits. Pure.
 */
import { isNumber } from "../../lib/format.js";
import { FIELDS } from "./axes/fields.js";
import { interpolate } from "./axes/x_axes.js";
import { evaluationValue, meanBand, subtractLine } from "./differences.js";

/**
 * @import { ChartField, Split } from "../../lib/types"
 * @import { Line } from "./differences.js"
 * @import { ChartRun, View } from "./view.js"
 */

/**
 * @typedef {object} Point an evaluation, or the mean of those of several seeds at one step
 * @property {number|null} x
 * @property {number} y its value, or its difference to the baseline
 * @property {number} value
 * @property {number|null} sd standard deviation of `y` over the seeds; null for one run
 * @property {number} count of runs
 */

/**
 * @typedef {object} Curves
 * @property {Line} line smoothed
 * @property {Line|null} batches the extremes of single batches, if one run is drawn
 * @property {{x: (number|null)[], low: number[], high: number[]}|null} band one standard deviation to each side of the mean
 * @property {Line|null} alone where only one run of a group goes on
 * @property {Record<Split, Point[]>} evaluations
 * @property {(Point & {split: Split})|null} best evaluation, where runs are compared
 */

/** @typedef {Pick<View, "data"|"several"|"logY"|"baseline">} Context */

/** @param {ChartRun[]} runs one, or several that differ only in their seeds @param {Context} context @returns {Curves} */
export function curvesOf(runs, context) {
  const { data, several } = context;
  const evaluations = { validation: evaluationPoints(runs, "validation", context), test: evaluationPoints(runs, "test", context) };
  const best = several && data.best ? bestPoint(evaluations, data.field) : null;
  const points = { evaluations: { validation: drawable(evaluations.validation, context), test: drawable(evaluations.test, context) } };
  const common = { ...points, best: best && drawable([best], context).length ? best : null };
  const [run] = runs;
  if (runs.length > 1) return { ...groupCurves(runs, context), batches: null, ...common };
  const batches = data.runs.length === 1 && !context.baseline ? batchLine(run, context) : null;
  return { line: runLine(run, context), batches, band: null, alone: null, ...common };
}

/** The smoothed curve of a run behind another one. @param {ChartRun} ghost @param {Context} context @returns {Line} */
export const ghostLine = (ghost, context) => runLine(ghost, { ...context, baseline: null });

/** The smoothed curve of a run, or its difference to the baseline's. @param {ChartRun} run @param {Context} context @returns {Line} */
function runLine(run, { data, baseline, logY }) {
  const line = { x: run.x, y: run.series.line(data.field) };
  if (baseline) return subtractLine(line, { x: baseline.x, y: baseline.series.line(data.field) });
  // A logarithmic axis has no place for zero.
  return logY && line.y.some((value) => value !== null && value <= 0)
    ? { ...line, y: line.y.map((value) => (value !== null && value > 0 ? value : null)) }
    : line;
}

/**
 * The extremes of every batch as one line: a point a bucket, or two where a bucket holds several batches.
 * @param {ChartRun} run @param {Context} context @returns {Line|null}
 */
function batchLine(run, { data, several }) {
  if (data.field === "lr" || (several && data.smoothing === 0)) return null;
  const { low, high } = run.series[data.field];
  if (run.series.bucketSize === 1) return { x: run.x, y: high };
  /** @type {Line} */
  const line = { x: [], y: [] };
  run.x.forEach((position, i) => {
    line.x.push(position, position);
    // Up in one bucket and down in the next, so that the line does not run back and forth
    if (i % 2) line.y.push(high[i], low[i]);
    else line.y.push(low[i], high[i]);
  });
  return line;
}

/**
 * The mean of a group of seeds and its band. No quantity is below zero, and no share above one, however wide the band.
 * @param {ChartRun[]} runs @param {Context} context @returns {Pick<Curves, "line"|"band"|"alone">}
 */
function groupCurves(runs, context) {
  const { x, mean, low, high, alone, lowest } = meanBand(runs.map((run) => runLine(run, context)));
  const isDifference = context.baseline !== null;
  const most = context.data.field === "accuracy" && !isDifference ? 1 : Infinity;
  const least = isDifference ? -Infinity : 0;
  const band = { x: /** @type {(number|null)[]} */ ([]), low: /** @type {number[]} */ ([]), high: /** @type {number[]} */ ([]) };
  x.forEach((position, i) => {
    const [bottom, top] = [low[i], high[i]];
    if (bottom === null || top === null || position === null) return;
    band.x.push(position);
    band.low.push(context.logY && bottom <= 0 ? (lowest[i] ?? top) : Math.max(least, bottom)); // no zero on a logarithmic axis
    band.high.push(Math.min(most, top));
  });
  return { line: { x, y: mean }, band, alone: alone.some(isNumber) ? { x, y: alone } : null };
}

/**
 * The evaluations of one split by step: of a run, or the means of a group's. Against a baseline, `y` is the difference to the
 * baseline's at the same x, and NaN where it has none.
 * @param {ChartRun[]} runs @param {Split} split @param {Context} context @returns {Point[]}
 */
function evaluationPoints(runs, split, { data, baseline }) {
  /** @param {ChartRun} run */
  const pointsOf = (run) => run.series.evaluationsOf(split).flatMap((evaluation) => {
    const value = evaluationValue(evaluation, data.field);
    return value === null ? [] : [{ step: evaluation.step, x: run.stepToX(evaluation.step), value }];
  });
  const base = baseline ? pointsOf(baseline) : [];
  const [baseX, baseY] = [base.map((point) => point.x), base.map((point) => point.value)];
  const points = runs.flatMap(pointsOf).map((point) => {
    const baseValue = baseline ? interpolate(baseX, baseY, point.x) : 0;
    return { ...point, y: baseValue === null ? NaN : point.value - baseValue };
  });
  const bySteps = [...Map.groupBy(points, ({ step }) => step)].sort(([a], [b]) => a - b);
  return bySteps.map(([, group]) => {
    const xs = group.map(({ x }) => x).filter(isNumber);
    return {
      x: xs.length ? meanOf(xs) : null,
      y: meanOf(group.map(({ y }) => y)),
      value: meanOf(group.map(({ value }) => value)),
      sd: group.length > 1 ? deviationOf(group.map(({ y }) => y)) : null,
      count: group.length,
    };
  });
}

/** Points that the axis has a place for. @template {Point} P @param {P[]} points @param {Context} context @returns {P[]} */
const drawable = (points, { logY }) => points.filter(({ x, y }) => x !== null && isNumber(y) && (!logY || y > 0));

/**
 * The best evaluation: on validation if there is any, else on test. Of a group's, only those of most of its runs count.
 * @param {Record<Split, Point[]>} evaluations @param {ChartField} field @returns {(Point & {split: Split})|null}
 */
export function bestPoint(evaluations, field) {
  const split = evaluations.validation.length ? "validation" : "test";
  const most = Math.max(...evaluations[split].map(({ count }) => count));
  const complete = evaluations[split].filter(({ count }) => count === most);
  const { best } = FIELDS[field];
  if (!complete.length || !best) return null;
  return { split, ...complete.reduce((a, b) => (best === "high" ? b.value > a.value : b.value < a.value) ? b : a) };
}

/** @param {number[]} values */
const meanOf = (values) => values.reduce((a, b) => a + b, 0) / values.length;

/** Sample standard deviation of at least two values. @param {number[]} values */
function deviationOf(values) {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

/**
 * The points of a line without neighbours: a line has no length there, so they are drawn as dots.
 * @param {Line} line @returns {Line}
 */
export function isolatedPoints({ x, y }) {
  const points = { x: /** @type {(number|null)[]} */ ([]), y: /** @type {(number|null)[]} */ ([]) };
  /** @param {number} i */
  const isThere = (i) => isNumber(x[i]) && isNumber(y[i]);
  for (let i = 0; i < y.length; i++) {
    if (!isThere(i) || isThere(i - 1) || isThere(i + 1)) continue;
    points.x.push(x[i]);
    points.y.push(y[i]);
  }
  return points;
}
