/** Runs against each other: the difference to a baseline, and groups of seeds as mean and band. Pure. */
import { isNumber } from "../../lib/format.js";
import { interpolate } from "./axes/x_axes.js";

/** @import { ChartField, Evaluation } from "../../lib/types" */

/** @typedef {{x: (number|null)[], y: (number|null)[]}} Line */

/** A line minus the baseline at the same x; null where either has no value. @param {Line} line @param {Line} baseline @returns {Line} */
export function subtractLine({ x, y }, baseline) {
  return {
    x,
    y: y.map((value, i) => {
      const base = interpolate(baseline.x, baseline.y, x[i]);
      return value === null || base === null ? null : value - base;
    }),
  };
}

/**
 * Several lines as one: their mean, and one standard deviation to each side, at the x of the line that goes on for longest; null
 * where fewer than two lines have a value. `alone` has the value where only one line has one, `lowest` the lowest of the values.
 * @param {Line[]} lines
 */
export function meanBand(lines) {
  const end = (/** @type {Line} */ line) => line.x.at(-1) ?? 0;
  const [{ x }] = lines.toSorted((a, b) => end(b) - end(a) || b.x.length - a.x.length);
  const points = x.map((position) => {
    const values = lines.map((line) => interpolate(line.x, line.y, position)).filter(isNumber);
    if (values.length < 2) return { mean: null, low: null, high: null, alone: values[0] ?? null, lowest: null };
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
    return { mean, low: mean - sd, high: mean + sd, alone: null, lowest: Math.min(...values) };
  });
  return {
    x,
    mean: points.map((point) => point.mean),
    low: points.map((point) => point.low),
    high: points.map((point) => point.high),
    alone: points.map((point) => point.alone),
    lowest: points.map((point) => point.lowest),
  };
}

/** Loss or accuracy of an evaluation; null for other fields. @param {Evaluation} evaluation @param {ChartField} field */
export function evaluationValue(evaluation, field) {
  return field === "loss" || field === "accuracy" ? evaluation[field] : null;
}
