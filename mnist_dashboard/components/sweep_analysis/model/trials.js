/** The trials of a search that have something to say: with a result, or what a pruned one had reached. Pure. */

/**
 * @import { SweepState, Trial } from "../../lib/types"
 * @typedef {object} Judged
 * @property {Trial} trial
 * @property {number|null} result null for a pruned trial of which nothing is known
 * @property {number} rank from 0 for the worst to 1 for the best; equal results share the mean of theirs
 * @property {"best"|"pruned"|"finished"} kind
 */

/** The trials of the search that have ended with a result, or were pruned, in their order. @param {SweepState} sweep @returns {Judged[]} */
export function judgeTrials({ trials, objective, best }) {
  const judged = trials.filter(({ role, status, value }) =>
    role === "search" && (status === "pruned" || ((status === "completed" || status === "diverged") && value !== null)));
  const results = judged.map((trial) => resultOf(trial, objective));
  const sign = objective === "accuracy" ? 1 : -1;
  const ranks = rank(results.map((result) => (result === null ? -Infinity : sign * result)));
  return judged.map((trial, i) => ({ trial, result: results[i], rank: ranks[i], kind: kindOf(trial, best) }));
}

/** @param {Trial} trial @param {SweepState["objective"]} objective */
function resultOf({ status, value, curve }, objective) {
  if (status !== "pruned") return value;
  if (objective === "time") return null; // it did not come to the target
  const values = curve.map(([, reached]) => reached);
  if (!values.length) return null;
  return objective === "accuracy" ? Math.max(...values) : Math.min(...values);
}

/** @param {Trial} trial @param {SweepState["best"]} best @returns {Judged["kind"]} */
function kindOf({ number, status }, best) {
  if (number === best?.trial) return "best";
  return status === "pruned" ? "pruned" : "finished";
}

/** @param {number[]} values higher is better @returns {number[]} from 0 to 1 */
export function rank(values) {
  const order = values.map((_, i) => i).sort((a, b) => (values[a] < values[b] ? -1 : Number(values[a] > values[b])));
  /** @type {number[]} */
  const ranks = [];
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (const i of order.slice(start, end)) ranks[i] = (start + end - 1) / 2 / Math.max(1, order.length - 1);
  }
  return ranks;
}
