/**
 * Which part of the axes the charts show. Pure. A range starts where most runs end up and only widens in round steps, so that
 * it neither jumps with every batch nor cuts anything off.
 */

const LOSS = { low: 0.01, high: 4 };
const FLOORS = [0.8, 0.5, 0]; // starts of the accuracy axis, best first
const TOP = 1.003; // room for a line at 100 %

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

/** The next of 1, 2, 5, 10, … at or below a value, or at or above it. */
function round(value, up) {
  const decade = 10 ** Math.floor(Math.log10(value));
  const digits = up ? [1, 2, 5, 10] : [5, 2, 1];
  return decade * digits.find((d) => (up ? d * decade >= value : d * decade <= value));
}

/** @param {import("../../../feed/client/series.js").RunSeries[]} series */
function lossExtremes(series, withBatches) {
  return extremes(...series.flatMap((s) => [
    s.loss.smooth,
    ...(withBatches ? [s.loss.low, s.loss.high] : []),
    s.evaluations.map((e) => e.loss),
  ]));
}

/**
 * The range of the loss axis; on a logarithmic axis as exponents.
 * @param {boolean} batches whether single batches are drawn
 * @returns {[number, number]}
 */
export function lossRange(series, log, batches) {
  let [low, high] = lossExtremes(series, batches);
  if (!log) return [0, high > 0 ? Math.min(high * 1.05, Number.MAX_VALUE) : 2.5];
  // A batch that happens to be all right has a loss of nearly zero: what is smoothed decides how far down it goes.
  if (batches) low = Math.max(low, lossExtremes(series, false)[0] / 20);
  const bottom = low > 0 && low < LOSS.low ? round(low, false) : LOSS.low;
  const top = high > LOSS.high && high < Infinity ? round(high, true) : LOSS.high;
  return [Math.log10(bottom), Math.log10(top)];
}

/**
 * The range of lines about which nothing is known beforehand: what they span, and some room.
 * @param {(number|null)[][]} lines
 * @returns {[number, number]}
 */
export function rangeOf(lines, log) {
  const [low, high] = extremes(...(log ? lines.map((line) => line.filter((v) => v > 0)) : lines));
  if (!(low <= high)) return log ? [-1, 0] : [0, 1];
  if (log) return [Math.log10(low) - 0.1, Math.log10(high) + 0.1];
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low - room, high + room];
}

/** How ticks of a logarithmic axis are spaced: 1, 2, 5 over few decades, else one every so many decades. */
export function logTicks([bottom, top]) {
  const decades = top - bottom;
  return decades <= 5.5 ? "D2" : Math.ceil(decades / 8);
}

/**
 * Where the accuracy axis starts. Every run begins at 10 %, which good runs leave at once: the axis starts at 80 % if all
 * runs are above it at the end, in all evaluations, and for most of their course; else at 50 % or at 0.
 * @param {import("../../../feed/client/series.js").RunSeries[]} series
 * @param {number|undefined} now the start in force: it takes a clear reason to change it
 */
export function accuracyFloor(series, now) {
  const fits = (s, floor) => {
    const known = s.accuracy.smooth.filter((v) => v !== null);
    const needed = floor === now ? 0.5 : 0.6;
    const above = known.reduce((n, v) => n + (v >= floor), 0);
    const ends = known.length ? known.at(-1) >= floor + 0.02 : true;
    return ends && above >= needed * known.length && s.evaluations.every((e) => e.accuracy === null || e.accuracy >= floor);
  };
  return FLOORS.find((floor) => floor === 0 || series.every((s) => fits(s, floor)));
}

/** @returns {[number, number]} */
export const accuracyRange = (floor) => [floor, floor ? TOP : 1.01];
