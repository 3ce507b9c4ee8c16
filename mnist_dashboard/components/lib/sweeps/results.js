/** What views of a search say of its trials: results, values of settings, and which is better. Pure. */
import { LABELS, SETTINGS } from "../constants.js";
import { MISSING, formatChoice, formatLoss, formatPercent, formatSetting, isNumber } from "../format.js";

/** @import { SweepState, Trial } from "../types" */
/** @typedef {SweepState["objective"]} Objective */

const DIGITS = 4; // significant digits of a setting: more do not matter to anybody

/** Titles of the results, where there is room for one or two words. @type {Record<Objective, string>} */
export const RESULT_LABELS = { accuracy: LABELS.VALIDATION, loss: "Validation loss", time: "Time to target" };

/** The result of a trial. @param {Objective} objective @param {number|null} value */
export function formatResult(objective, value) {
  if (!isNumber(value)) return MISSING;
  if (objective === "time") return `${value.toFixed(2)}\u202fs`;
  return objective === "loss" ? formatLoss(value) : formatPercent(value);
}

/** What a trial that goes on, or was stopped, has reached on validation. @param {Objective} objective @param {number|null} value */
export const formatLatest = (objective, value) => (objective === "loss" ? formatLoss(value) : formatPercent(value));

/** The value of a setting. @param {string} name @param {string|number|boolean|undefined} value */
export function formatValue(name, value) {
  if (value === undefined) return MISSING;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return formatSetting(Number(value.toPrecision(DIGITS)));
  return formatChoice(SETTINGS[name]?.choices ?? {}, value);
}

/** Values of settings in words: "learning rate 0.03, batch size 32". @param {Trial["values"]} values */
export function describeValues(values) {
  return Object.entries(values)
    .map(([name, value]) => `${(SETTINGS[name]?.label ?? name).toLowerCase()} ${formatValue(name, value)}`)
    .join(", ");
}

/** Negative if the first of two results is better. @param {Objective} objective @param {number} a @param {number} b */
export const compareResults = (objective, a, b) => (objective === "accuracy" ? b - a : a - b);

/** The completed trials of the search, the best first; of equal ones the earlier is first. @param {SweepState} sweep */
export function rankTrials({ objective, trials }) {
  return trials
    .filter(({ role, status, value }) => role === "search" && status === "completed" && value !== null)
    .sort((a, b) => compareResults(objective, a.value ?? 0, b.value ?? 0) || a.number - b.number);
}
