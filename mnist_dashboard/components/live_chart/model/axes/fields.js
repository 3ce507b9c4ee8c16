/** The quantities that charts draw: their titles, and how values are written. Pure. */
import { CURVES, METRICS, SETTINGS } from "../../../lib/constants.js";
import { MISSING, formatCount, formatLoss, formatPercent, formatSetting, isNumber } from "../../../lib/format.js";

/** @import { ChartField } from "../../../lib/types" */

/**
 * @typedef {object} Field
 * @property {string} title of the y axis
 * @property {string} ticks format of the ticks, for Plotly
 * @property {(value: number|null) => string} format
 * @property {"low"|"high"|null} best which evaluation is the best; null for a quantity that is not evaluated
 */

/** @type {Record<ChartField, Field>} */
export const FIELDS = {
  loss: { title: "Cross-entropy", ticks: "~g", format: formatLoss, best: "low" },
  accuracy: { title: "Correctly classified", ticks: ".0%", format: formatPercent, best: "high" },
  lr: { title: SETTINGS.lr.label, ticks: "~g", format: formatLr, best: null },
  examples_per_second: { title: METRICS.examples_per_second.label, ticks: ",d", format: formatCount, best: null },
};

/** A learning rate with four digits at most. @param {number|null} value */
function formatLr(value) {
  return isNumber(value) ? formatSetting(Number(value.toPrecision(4))) : MISSING;
}

/** Whether the axis of a field may be logarithmic. @param {ChartField} field */
export const isLogarithmic = (field) => field !== "accuracy";

/** Whether charts smooth a field. @param {ChartField} field */
export const isSmoothed = (field) => CURVES.some((curve) => curve === field);

/** A difference, with its sign. @param {ChartField} field @param {number|null} value */
export function formatDifference(field, value) {
  if (!isNumber(value)) return MISSING;
  const sign = value > 0 ? "+" : value < 0 ? "−" : "±";
  return `${sign}${FIELDS[field].format(Math.abs(value))}`;
}
