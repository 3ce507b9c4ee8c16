/** What the charts can show of a run: how it is called and written. */
import { known, loss, percent, setting, whole } from "../../lib/format.js";

/**
 * @typedef {object} Field
 * @property {string} title of the y axis
 * @property {boolean} smooth whether it is smoothed, and says so
 * @property {string} ticks format of the ticks, for Plotly; "" leaves it to Plotly
 * @property {(value: number|null) => string} write
 */

/** @type {Object<string, Field>} */
export const FIELDS = {
  loss: { title: "Cross-entropy", smooth: true, ticks: "~g", write: loss },
  accuracy: { title: "Correctly classified", smooth: true, ticks: ".0%", write: percent },
  lr: { title: "Learning rate", smooth: false, ticks: "~g", write: (n) => (known(n) ? setting(Number(n.toPrecision(4))) : "–") },
  examples_per_second: { title: "Images per second", smooth: true, ticks: ",d", write: whole },
};

/** A difference, with its sign. @param {string} field */
export function signed(field, value) {
  if (!known(value)) return "–";
  const sign = value > 0 ? "+" : value < 0 ? "−" : "±";
  return `${sign}${FIELDS[field].write(Math.abs(value))}`;
}
