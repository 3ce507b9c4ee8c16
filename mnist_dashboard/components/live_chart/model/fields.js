/** What the charts can show of a run: how it is called and written. */
import { CURVES, METRICS, SETTINGS } from "../../lib/constants.js";
import { known, loss, percent, setting, whole } from "../../lib/format.js";

/**
 * @typedef {object} Field
 * @property {string} title of the y axis
 * @property {string} ticks format of the ticks, for Plotly; "" leaves it to Plotly
 * @property {(value: number|null) => string} write
 */

/** @type {Object<string, Field>} */
export const FIELDS = {
  loss: { title: "Cross-entropy", ticks: "~g", write: loss },
  accuracy: { title: "Correctly classified", ticks: ".0%", write: percent },
  lr: { title: SETTINGS.lr.label, ticks: "~g", write: (n) => (known(n) ? setting(Number(n.toPrecision(4))) : "–") },
  examples_per_second: { title: METRICS.examples_per_second.label, ticks: ",d", write: whole },
};

/** Whether the charts smooth a field, and say so. @param {string} field */
export const isSmoothed = (field) => CURVES.includes(field);

/** A difference, with its sign. @param {string} field */
export function signed(field, value) {
  if (!known(value)) return "–";
  const sign = value > 0 ? "+" : value < 0 ? "−" : "±";
  return `${sign}${FIELDS[field].write(Math.abs(value))}`;
}
