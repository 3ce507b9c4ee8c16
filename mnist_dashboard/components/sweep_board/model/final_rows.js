/** What is shown of the trials with fresh seeds. Pure. */

/** @import { SweepState, Trial } from "../../lib/types" */

/**
 * @typedef {object} FinalRow
 * @property {Trial} trial
 * @property {string} name
 * @property {Trial["values"]} values
 * @property {Trial["test"]} test
 * @property {{low: number, mean: number, high: number}|null} place of the interval on an axis that all rows share, from 0 to 1
 */

/** @type {Trial["role"][]} */
const ORDER = ["winner", "baseline", "compared"];

/** The latest trial of each role: an extended search may have another winner. @param {SweepState} sweep @returns {FinalRow[]} */
export function finalRows(sweep) {
  const trials = ORDER.map((role) => sweep.trials.findLast((trial) => trial.role === role)).filter((trial) => trial !== undefined);
  const ends = trials.flatMap(({ test }) => (test ? [test.low ?? test.accuracy, test.high ?? test.accuracy] : []));
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  /** @param {number} value */
  const place = (value) => (high > low ? (value - low) / (high - low) : 0.5);
  return trials.map((trial) => {
    const { test } = trial;
    const places = test && {
      low: place(test.low ?? test.accuracy), mean: place(test.accuracy), high: place(test.high ?? test.accuracy),
    };
    return { trial, name: nameOf(trial, sweep), values: trial.values, test, place: places };
  });
}

/** @param {Trial} trial @param {SweepState} sweep */
function nameOf({ role, values }, sweep) {
  if (role !== "winner") return role === "baseline" ? "Defaults" : "Your settings";
  const key = JSON.stringify(values);
  const origin = sweep.trials.find((trial) => trial.role === "search" && JSON.stringify(trial.values) === key);
  return origin ? `Winner, trial ${origin.number}` : "Winner";
}
