/** Axes of a search: where the value of a setting, or a result, lies from 0 to 1, and round values to label. Pure. */
import { SETTINGS } from "../../lib/constants.js";
import { formatChoice, formatDuration, formatLoss, formatSetting } from "../../lib/format.js";

/**
 * @import { SweepParameter, SweepState } from "../../lib/types"
 * @typedef {[place: number, text: string]} Tick
 * @typedef {object} Axis
 * @property {string} label
 * @property {Tick[]} ticks
 * @property {number|null} bins number of values at equal distances; null if the axis is continuous
 * @property {(value: unknown) => number} placeOf from 0 to 1
 * @property {(place: number) => string} textAt the value at a place, rounded
 */

const MAX_STEPS = 6; // between ticks
const ROUND_STEPS = [1, 2, 5, 10];
const MULTIPLES = [[1, 2, 5], [1, 3], [1]]; // of powers of ten, on a logarithmic axis: the first choice that is sparse enough
const THIN = "\u202f";

/** The axis of a setting that is searched. @param {SweepParameter} parameter @returns {Axis} */
export function parameterAxis({ name, label, low, high, log, values }) {
  if (values) return listAxis(name, label, values);
  const [from, to] = [Number(low), Number(high)];
  const width = log ? Math.log(to / from) : to - from;
  const placeOf = (/** @type {unknown} */ value) =>
    clip(log ? Math.log(Number(value) / from) / width : (Number(value) - from) / width);
  const valueAt = (/** @type {number} */ place) => (log ? from * Math.exp(place * width) : from + place * width);
  const rounded = log ? logTicks(from, to) : linearTicks(from, to);
  const ticks = rounded.map((value) => /** @type {Tick} */ ([placeOf(value), formatSetting(value)]));
  const isWhole = Number.isInteger(SETTINGS[name]?.default);
  const textAt = (/** @type {number} */ place) => {
    const value = valueAt(place);
    return formatSetting(isWhole ? Math.round(value) : Number(value.toPrecision(2)));
  };
  return { label, ticks, bins: null, placeOf, textAt };
}

/** @param {string} name @param {string} label @param {unknown[]} values @returns {Axis} */
function listAxis(name, label, values) {
  const texts = values.map((value) => valueText(name, value));
  const middle = (/** @type {number} */ index) => (index + 0.5) / values.length;
  return {
    label,
    ticks: texts.map((text, index) => [middle(index), text]),
    bins: values.length,
    placeOf: (value) => middle(Math.max(0, values.indexOf(value))),
    textAt: (place) => texts[Math.min(values.length - 1, Math.floor(place * values.length))],
  };
}

/** A value of a setting in words. @param {string} name @param {unknown} value */
export function valueText(name, value) {
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (typeof value === "number") return formatSetting(Number(value.toPrecision(4)));
  return formatChoice(SETTINGS[name]?.choices ?? {}, String(value));
}

/**
 * The axis of the results, the best on top. Results that lag far behind share its foot: a few trials that diverged would press
 * all others together.
 * @param {SweepState["objective"]} objective @param {number[]} results
 * @returns {Axis & {textOf: (result: number) => string}}
 */
export function resultAxis(objective, results) {
  const label = { accuracy: "Validation", loss: "Validation loss", time: "Time to target" }[objective];
  const sign = objective === "accuracy" ? 1 : -1;
  const sorted = results.map((value) => sign * value).sort((a, b) => a - b);
  const best = sorted.at(-1) ?? 0;
  const worst = sorted[0] ?? 0;
  const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const least = Math.max(worst, best - 3 * (best - middle));
  const step = best > least ? roundStep(best - least) : 0; // ends at round values stay where they are while trials end
  const foot = step ? step * Math.floor(least / step + 1e-9) : least;
  const top = step ? step * Math.ceil(best / step - 1e-9) : best;
  const width = top - foot;
  const placeOf = (/** @type {unknown} */ value) => (width > 0 ? clip((sign * Number(value) - foot) / width) : 1);
  const [low, high] = sign > 0 ? [foot, top] : [-top, -foot];
  const text = (/** @type {number} */ value) => resultText(objective, value, step);
  const textOf = (/** @type {number} */ result) => resultText(objective, result, 0);
  const isCut = foot > worst;
  /** @type {Tick[]} */
  const ticks = linearTicks(low, high).map((value) => [placeOf(value), text(value)]);
  if (!width) ticks.splice(0, Infinity, [1, textOf(sign * best)]);
  const shown = isCut ? ticks.filter(([place]) => place > 0.08) : ticks;
  if (isCut) shown.unshift([0, sign > 0 ? "lower" : objective === "time" ? "later" : "higher"]);
  return { label, ticks: shown, bins: null, placeOf, textAt: (place) => text(sign * (foot + place * width)), textOf };
}

/**
 * A result with the digits that tell values apart which are this far from each other; with all digits if that is 0.
 * @param {string} objective @param {number} value @param {number} step
 */
function resultText(objective, value, step) {
  if (objective === "time") return formatDuration(value);
  if (objective === "loss") return formatLoss(value);
  const digits = step ? Math.max(0, Math.min(2, -Math.floor(Math.log10(100 * step) + 1e-9))) : 2;
  return `${(100 * value).toFixed(digits)}${THIN}%`;
}

/** @param {number} low @param {number} high @returns {number[]} round values between them */
export function linearTicks(low, high) {
  if (low === high) return [low];
  const step = roundStep(high - low);
  const [first, last] = [Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)];
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** The distance of ticks on an axis of this width. @param {number} width */
function roundStep(width) {
  const least = width / MAX_STEPS;
  const power = 10 ** Math.floor(Math.log10(least));
  return power * (ROUND_STEPS.find((round) => round * power >= least * (1 - 1e-9)) ?? 10);
}

/** @param {number} low above 0 @param {number} high @returns {number[]} round values between them, for a logarithmic axis */
export function logTicks(low, high) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const choices = MULTIPLES.map((multiples) =>
    Array.from({ length: last - first + 1 }, (_, i) => multiples.map((factor) => Number((factor * 10 ** (first + i)).toPrecision(1))))
      .flat()
      .filter((value) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)),
  );
  const fitting = choices.find((values) => values.length <= MAX_STEPS + 2) ?? choices[choices.length - 1];
  return fitting.length > 1 ? fitting : linearTicks(low, high);
}

/** @param {number} place */
const clip = (place) => Math.min(1, Math.max(0, place));
