/**
 * Which part of the axes the charts show. Pure. A range starts where most runs end up and only widens in round steps, so that
 * it neither jumps with every batch nor cuts anything off.
 */

/** @typedef {[low: number, high: number]} Range */

const LOSS = { low: 0.01, high: 4 };
// Starts of the accuracy axis, highest first, and the accuracy from which on each is taken; it is kept down to the start itself.
const FLOORS = [{ start: 0.8, from: 0.9 }, { start: 0.5, from: 0.6 }];
const TICK_LABEL_HEIGHT = 12.5; // pixels, with the space between two
const TOP = 1.003; // room for a line at 100 %

/**
 * The smallest and the largest value above a bound; without any, Infinity and -Infinity.
 * @param {(number|null)[][]} lists @param {number} [bound] @returns {Range}
 */
function extremes(lists, bound = -Infinity) {
  let low = Infinity;
  let high = -Infinity;
  for (const list of lists) {
    for (const v of list) {
      if (v === null || v <= bound) continue;
      if (v < low) low = v;
      if (v > high) high = v;
    }
  }
  return [low, high];
}

/** The nearest of 1, 2, 5, 10, 20, … that is not above a value. @param {number} value */
function niceBelow(value) {
  const decade = 10 ** Math.floor(Math.log10(value));
  return decade * ([5, 2].find((digit) => digit * decade <= value) ?? 1);
}

/** The nearest of 1, 2, 5, 10, 20, … that is not below a value. @param {number} value */
function niceAbove(value) {
  const decade = 10 ** Math.floor(Math.log10(value));
  return decade * ([1, 2, 5].find((digit) => digit * decade >= value) ?? 10);
}

/**
 * The range of the loss axis; on a logarithmic axis as exponents. A batch that is all correct does not stretch it: batches may go
 * a twentieth below the lowest curve.
 * @param {(number|null)[][]} lines curves and evaluations
 * @param {(number|null)[]} batches extremes of single batches
 * @param {boolean} log
 * @returns {Range}
 */
export function lossRange(lines, batches, log) {
  const [, high] = extremes([...lines, batches]);
  if (!log) return [0, high > 0 ? Math.min(high * 1.05, Number.MAX_VALUE) : 2.5];
  const [lowestLine] = extremes(lines, 0);
  const [lowestBatch] = extremes([batches], 0);
  const low = Math.min(lowestLine, Math.max(lowestBatch, lowestLine / 20));
  const bottom = low > 0 && low < LOSS.low ? niceBelow(low) : LOSS.low;
  const top = high > LOSS.high && high < Infinity ? niceAbove(high) : LOSS.high;
  return [Math.log10(bottom), Math.log10(top)];
}

/**
 * The range of lines of any size: what they span, and some room.
 * @param {(number|null)[][]} lines @param {boolean} log
 * @returns {Range}
 */
export function paddedRange(lines, log) {
  const [low, high] = extremes(lines, log ? 0 : -Infinity);
  if (!(low <= high)) return log ? [-1, 0] : [0, 1];
  if (log) return [Math.log10(low) - 0.1, Math.log10(high) + 0.1];
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low - room, high + room];
}

/**
 * Spacing of the ticks of a logarithmic axis: 1, 2, 5 if there is room for three labels a decade, else one every so many decades.
 * @param {Range} range @param {number} height of the axis in pixels
 */
export function logTicks([bottom, top], height) {
  const decades = top - bottom;
  const labels = height / TICK_LABEL_HEIGHT;
  return 3 * decades <= labels ? "D2" : Math.ceil(decades / Math.min(labels, 8));
}

/**
 * Where the accuracy axis starts: at 0 until all runs have passed 60 %, then at 50 %, from 90 % on at 80 %; lower where an
 * evaluation would be cut off.
 * @param {{smoothed: number|null, recent: number|null, evaluations: number[]}[]} runs the end of the curve, and the mean of the last
 *   batches, which does not jump when the curve is not smoothed
 * @param {number|undefined} current the start in force, which is kept while all runs are above it
 */
export function accuracyFloor(runs, current) {
  const recent = Math.min(...runs.map((run) => run.recent ?? 0));
  const lowest = Math.min(recent, ...runs.map(({ smoothed }) => smoothed ?? 0));
  const fits = FLOORS.find(({ start, from }) => (
    runs.length > 0
    && (start === current ? recent >= start : lowest >= from)
    && runs.every(({ evaluations }) => evaluations.every((accuracy) => accuracy >= start))
  ));
  return fits?.start ?? 0;
}

/** @param {number} floor @returns {Range} */
export const accuracyRange = (floor) => [floor, floor ? TOP : 1.01];
