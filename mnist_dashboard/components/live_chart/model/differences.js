/** Curves of several runs against each other: the difference to a baseline, and groups of seeds as mean and band. Pure. */
import { interpolate } from "./x_axes.js";

/** @typedef {{x: (number|null)[], y: (number|null)[]}} Line */

/** A line minus the baseline's at the same x; nothing where the baseline has nothing. @param {Line} line @param {Line} base @returns {Line} */
export function minus({ x, y }, base) {
  return { x, y: y.map((value, i) => subtract(value, interpolate(base.x, base.y, x[i]))) };
}

const subtract = (a, b) => (a === null || b === null ? null : a - b);

/**
 * Several lines as one: mean, and one standard deviation to each side, at the x of the line with the most points; where fewer
 * than two lines have a value, nothing.
 * @param {Line[]} lines @returns {{x: number[], mean: (number|null)[], low: (number|null)[], high: (number|null)[]}}
 */
export function band(lines) {
  const { x } = lines.reduce((a, b) => (b.x.length > a.x.length ? b : a));
  const result = { x, mean: [], low: [], high: [] };
  for (const at of x) {
    const values = lines.map((line) => interpolate(line.x, line.y, at)).filter((value) => value !== null);
    const mean = values.length > 1 ? values.reduce((a, b) => a + b, 0) / values.length : null;
    const sd = mean === null ? 0 : Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1));
    result.mean.push(mean);
    result.low.push(mean === null ? null : mean - sd);
    result.high.push(mean === null ? null : mean + sd);
  }
  return result;
}

/** The best evaluation of a run: on validation if it has any, else on test. @returns {object|null} */
export function bestEvaluation(series, field) {
  const split = series.evaluationsOf("validation").length ? "validation" : "test";
  const known = series.evaluationsOf(split).filter((one) => one[field] !== null && one[field] !== undefined);
  const better = field === "loss" ? (a, b) => a[field] < b[field] : (a, b) => a[field] > b[field];
  return known.reduce((best, one) => (!best || better(one, best) ? one : best), null);
}
