/** Axes of the two charts of a race, which share the lower one. Pure. */
import { gapsAt } from "./standing.js";

/**
 * @import { Moment } from "./standing.js"
 * @typedef {[x: number, y: number]} Point
 * @typedef {{low: number, high: number, ticks: number[], place: (value: number) => number}} Axis `place` is 0 at the bottom, 1 at the top
 */

/** Multiples of 1, 2 or 5 between two ends, no more than wanted. @param {number} low @param {number} high @param {number} wanted */
export function roundTicks(low, high, wanted) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const gap = power * ([1, 2, 5].find((factor) => factor * power >= rough - 1e-9) ?? 10);
  const first = Math.ceil(low / gap - 1e-9);
  return Array.from({ length: Math.floor(high / gap + 1e-9) - first + 1 }, (_, i) => Number(((first + i) * gap).toPrecision(12)));
}

/**
 * A logarithmic axis from a little below the lowest value above 0 to a little above the highest, which is at least 2.5: the loss of
 * guessing is 2.3.
 * @param {number[]} values @returns {Axis}
 */
export function lossAxis(values) {
  const positive = values.filter((value) => value > 0);
  const low = Math.min(0.5, ...positive) / 1.25;
  const high = Math.min(1e4, Math.max(2.5, ...positive)) * 1.15;
  const ticks = [1, 2, 5].flatMap((factor) => Array.from({ length: 16 }, (_, i) => Number(`${factor}e${i - 10}`)));
  const inside = ticks.filter((tick) => tick >= low && tick <= high).sort((a, b) => a - b);
  const shown = inside.length > 8 ? inside.filter((tick) => /^1(e|0*$)|^0\.0*1$/.test(String(tick))) : inside;
  return { low, high, ticks: shown, place: (value) => Math.log(Math.max(value, low / 10) / low) / Math.log(high / low) };
}

const MOST_BEHIND = 10; // points: a lane that is further behind would press all others together

/**
 * How far lanes are behind, in points from 0 down; what is further below than the axis is cut off.
 * @param {Moment[]} moments @returns {Axis}
 */
export function gapAxis(moments) {
  const last = moments.at(-1);
  const gaps = last ? Object.values(gapsAt(last)).map((gap) => -100 * gap) : [];
  const low = -Math.max(0.5, 1.35 * Math.min(MOST_BEHIND, Math.max(0, ...gaps)));
  const high = -low * 0.06;
  return { low, high, ticks: roundTicks(low, 0, 4), place: (value) => (value - low) / (high - low) };
}

/** Where a moment is on the lower axis. @param {Moment} moment @param {number} lane @param {boolean} inSteps */
export const momentX = ({ epochs, steps }, lane, inSteps) => (inSteps ? (steps[lane] ?? Math.max(...Object.values(steps))) : epochs);

/** Points of a lane behind the leader. @param {Moment[]} moments @param {number} lane @param {boolean} inSteps @returns {Point[]} */
export const gapLine = (moments, lane, inSteps) => moments.flatMap((moment) => {
  const gap = gapsAt(moment)[lane];
  return gap === undefined ? [] : [/** @type {Point} */ ([momentX(moment, lane, inSteps), 100 * gap])];
});

/**
 * Who was in front from where to where, up to the moment at which somebody else was.
 * @param {Moment[]} moments @param {boolean} inSteps @returns {{leader: number, from: number, to: number}[]}
 */
export function leads(moments, inSteps) {
  /** @type {{leader: number, from: number, to: number}[]} */
  const found = [];
  for (const moment of moments) {
    const [before, to] = [found.at(-1), momentX(moment, moment.leader, inSteps)];
    if (before?.leader === moment.leader) before.to = to;
    else found.push({ leader: moment.leader, from: before?.to ?? 0, to });
  }
  return found;
}

/** The value of a line at a place: its last point until there; null outside the line. @param {Point[]} line @param {number} x */
export function valueAt(line, x) {
  if (!line.length || x < line[0][0] || x > line[line.length - 1][0]) return null;
  return line.findLast(([at]) => at <= x)?.[1] ?? null;
}

/** At most so many points of a line, its last one among them. @param {Point[]} line @param {number} most @returns {Point[]} */
export function thin(line, most) {
  const size = Math.ceil(line.length / most);
  return line.filter((_, i) => i % size === 0 || i === line.length - 1);
}
