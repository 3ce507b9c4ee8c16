/**
 * The vertical axis of charts of results. Accuracies are spread by the logarithm of their errors, other results by their own:
 * good trials lie close together, and bad ones far away. Pure.
 */

/**
 * @typedef {object} ResultScale
 * @property {(value: number) => number} place of a result, from 0 at the foot to 1
 * @property {[place: number, text: string][]} ticks
 */

const MIN_ERROR = 1e-4; // a result without any mistake has no logarithm
const ROOM = 0.06; // of the axis, above and below the results
const MAX_TICKS = 6;
const MIN_TICKS = 3;
const STEPS = [1, 2, 5];

/** @param {boolean} isAccuracy else a loss or a time @param {number[]} values finite, at least one @returns {ResultScale} */
export function resultScale(isAccuracy, values) {
  /** @param {number} value */
  const toError = (value) => Math.max(MIN_ERROR, isAccuracy ? 1 - value : value);
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    const error = toError(value);
    low = Math.min(low, error);
    high = Math.max(high, error);
  }
  if (high / low < 1.02) [low, high] = [low / 1.1, high * 1.1];
  const span = Math.log(high / low);
  const [from, length] = [Math.log(low) - ROOM * span, (1 + 2 * ROOM) * span];
  /** @param {number} error */
  const placeOf = (error) => {
    const place = (Math.log(error) - from) / length;
    return isAccuracy ? 1 - place : place;
  };
  const top = isAccuracy ? Math.min(1, Math.exp(from + length)) : Math.exp(from + length);
  const ticks = tickErrors(Math.exp(from), top).map((error) => /** @type {[number, string]} */ (
    [placeOf(error), isAccuracy ? `${Number((100 * (1 - error)).toPrecision(6))}\u202f%` : String(Number(error.toPrecision(4)))]));
  return { place: (value) => placeOf(toError(value)), ticks };
}

/** Round numbers between two positive ones: of 1, 2 and 5 times powers of ten, or evenly spaced ones if there are too few. */
function tickErrors(/** @type {number} */ low, /** @type {number} */ high) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const step of STEPS) ticks.push(Number(`${step}e${power}`));
  }
  const inside = ticks.filter((tick) => tick >= low && tick <= high);
  if (inside.length > MAX_TICKS) return inside.filter((tick) => /^1(\.0+)?(e|$)/.test(tick.toExponential()));
  return inside.length < MIN_TICKS ? evenTicks(low, high) : inside;
}

/** @param {number} low @param {number} high */
function evenTicks(low, high) {
  const wanted = (high - low) / (MIN_TICKS + 1);
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = power * ([1, 2, 5, 10].find((size) => size * power >= wanted) ?? 10);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step).filter((tick) => tick > 0);
}
