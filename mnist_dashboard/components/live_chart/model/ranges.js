/**
 * Which part of the axes the charts show. Pure. A range starts where most runs end up and only widens in round steps, so that
 * it neither jumps with every batch nor cuts anything off.
 */
import { isNumber } from "../../lib/format.js";

/** @import { RunSeries } from "../../../feed/client/series.js" */
/** @typedef {[low: number, high: number]} Range */

const LOSS = { low: 0.01, high: 4 };
const FLOORS = [0.8, 0.5, 0]; // starts of the accuracy axis, best first
const TOP = 1.003; // room for a line at 100 %

/** The smallest and the largest value; without any, Infinity and -Infinity. @param {(number|null)[][]} lists @returns {Range} */
function extremes(...lists) {
  let low = Infinity;
  let high = -Infinity;
  for (const list of lists) {
    for (const v of list) {
      if (v === null) continue;
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

/** @param {RunSeries[]} series @param {boolean} withBatches */
function lossExtremes(series, withBatches) {
  return extremes(...series.flatMap((s) => [
    s.loss.smooth,
    ...(withBatches ? [s.loss.low, s.loss.high] : []),
    s.evaluations.map((evaluation) => evaluation.loss),
  ]));
}

/**
 * The range of the loss axis; on a logarithmic axis as exponents.
 * @param {RunSeries[]} series @param {boolean} log @param {boolean} batches whether single batches are drawn
 * @returns {Range}
 */
export function lossRange(series, log, batches) {
  const [lowest, high] = lossExtremes(series, batches);
  if (!log) return [0, high > 0 ? Math.min(high * 1.05, Number.MAX_VALUE) : 2.5];
  // A batch that happens to be all correct has a loss near zero: the smoothed curve decides how far down the axis goes.
  const low = batches ? Math.max(lowest, lossExtremes(series, false)[0] / 20) : lowest;
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
  const [low, high] = extremes(...(log ? lines.map((line) => line.filter((v) => v !== null && v > 0)) : lines));
  if (!(low <= high)) return log ? [-1, 0] : [0, 1];
  if (log) return [Math.log10(low) - 0.1, Math.log10(high) + 0.1];
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low - room, high + room];
}

/** Spacing of the ticks of a logarithmic axis: 1, 2, 5 over few decades, else one every so many decades. @param {Range} range */
export function logTicks([bottom, top]) {
  const decades = top - bottom;
  return decades <= 5.5 ? "D2" : Math.ceil(decades / 8);
}

/**
 * Where the accuracy axis starts. Every run begins at 10 %, which good runs leave at once: the axis starts at 80 % if all
 * runs are above it at the end, in all evaluations, and for most of their course; else at 50 % or at 0.
 * @param {RunSeries[]} series
 * @param {number|undefined} current the start in force: it takes a clear reason to change it
 */
export function accuracyFloor(series, current) {
  /** @param {RunSeries} s @param {number} floor */
  const fits = (s, floor) => {
    const values = s.accuracy.smooth.filter(isNumber);
    const needed = floor === current ? 0.5 : 0.6;
    const above = values.filter((v) => v >= floor).length;
    const endsAbove = (values.at(-1) ?? Infinity) >= floor + 0.02;
    return endsAbove && above >= needed * values.length && s.evaluations.every(({ accuracy }) => accuracy === null || accuracy >= floor);
  };
  return FLOORS.find((floor) => series.every((s) => fits(s, floor))) ?? 0;
}

/** @param {number} floor @returns {Range} */
export const accuracyRange = (floor) => [floor, floor ? TOP : 1.01];
