/** A search as the browser keeps it: one whole message, and then changes. Pure. */

/** @import { SweepState, Trial } from "../../components/lib/types" */

/**
 * The search after a change. Trials that have not changed stay the same objects, so that a view knows which to draw again.
 * @param {SweepState} before @param {SweepState} change with the trials that have changed
 * @returns {SweepState}
 */
export function applyChange(before, change) {
  const trials = [...before.trials];
  for (const trial of change.trials) {
    const index = placeOf(trials, trial.number);
    trials.splice(index, trials[index]?.number === trial.number ? 1 : 0, trial);
  }
  return { ...change, trials };
}

/** Index of the first trial with this number or a higher one. @param {Trial[]} trials @param {number} number */
function placeOf(trials, number) {
  let [low, high] = [0, trials.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (trials[middle].number < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
