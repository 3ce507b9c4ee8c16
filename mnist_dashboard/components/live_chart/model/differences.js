/** Runs against each other: the difference to a baseline, groups of seeds as mean and band, the best evaluation. Pure. */
import { isNumber } from "../../lib/format.js";
import { interpolate } from "./x_axes.js";

/**
 * @import { RunSeries } from "../../../feed/client/series.js"
 * @import { ChartField, Evaluation } from "../../lib/types"
 */

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
 * Several lines as one: their mean, and one standard deviation to each side, at the x of the line with the most points; null
 * where fewer than two lines have a value.
 * @param {Line[]} lines
 */
export function meanBand(lines) {
  const { x } = lines.reduce((a, b) => (b.x.length > a.x.length ? b : a));
  const points = x.map((position) => {
    const values = lines.map((line) => interpolate(line.x, line.y, position)).filter(isNumber);
    if (values.length < 2) return null;
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
    return { mean, low: mean - sd, high: mean + sd };
  });
  return {
    x,
    mean: points.map((point) => point?.mean ?? null),
    low: points.map((point) => point?.low ?? null),
    high: points.map((point) => point?.high ?? null),
  };
}

/**
 * The best evaluation of a run: on validation if it has any, else on test.
 * @param {Pick<RunSeries, "evaluationsOf">} series @param {ChartField} field
 * @returns {Evaluation & {value: number}|null} `value` is that of the field
 */
export function bestEvaluation(series, field) {
  const split = series.evaluationsOf("validation").length ? "validation" : "test";
  const sign = field === "loss" ? -1 : 1;
  const evaluations = series.evaluationsOf(split).flatMap((evaluation) => {
    const value = evaluationValue(evaluation, field);
    return value === null ? [] : [{ ...evaluation, value }];
  });
  return evaluations.length ? evaluations.reduce((best, next) => (sign * next.value > sign * best.value ? next : best)) : null;
}

/** Loss or accuracy of an evaluation; null for other fields. @param {Evaluation} evaluation @param {ChartField} field */
export function evaluationValue(evaluation, field) {
  return field === "loss" || field === "accuracy" ? evaluation[field] : null;
}
