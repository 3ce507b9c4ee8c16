/** Which trials the leaderboard shows, in which order, and what is in each cell. Pure. */
import { LABELS } from "../../lib/constants.js";
import { MISSING, formatCount } from "../../lib/format.js";
import { RESULT_LABELS, compareResults, formatLatest, formatResult, formatValue, rankTrials } from "../../lib/sweeps/results.js";

/** @import { SweepState, Trial } from "../../lib/types" */
/** @typedef {{trial: Trial, place: number|null}} BoardRow place from 1 on, of a completed trial */

const LEADERS = 5; // finished trials of the folded board

/** @type {Record<Trial["status"], string>} */
export const TRIAL_LABELS = {
  running: "Running", completed: LABELS.FINISHED, pruned: "Pruned", diverged: "Diverged", failed: "Failed", stopped: "Stopped",
};
/** @type {Trial["status"][]} */
const OTHERS = ["pruned", "stopped", "diverged", "failed"];

/** The best first, then those that train; unfolded, all. @param {SweepState} sweep @param {boolean} isUnfolded @returns {BoardRow[]} */
export function boardRows(sweep, isUnfolded) {
  const searched = sweep.trials.filter(({ role }) => role === "search");
  const ranked = rankTrials(sweep).map((trial, i) => ({ trial, place: i + 1 }));
  const running = byLatest(sweep, searched.filter(({ status }) => status === "running"));
  if (!isUnfolded) return [...ranked.slice(0, LEADERS), ...running];
  const others = OTHERS.flatMap((status) => byLatest(sweep, searched.filter((trial) => trial.status === status)));
  return [...ranked, ...running, ...others];
}

/** Whether there are trials that the folded board does not show. @param {SweepState} sweep */
export const hasMore = (sweep) => boardRows(sweep, false).length < sweep.trials.filter(({ role }) => role === "search").length;

/** Those that have been evaluated first, the best of them first. @param {SweepState} sweep @param {Trial[]} trials */
function byLatest(sweep, trials) {
  const objective = sweep.objective === "loss" ? "loss" : "accuracy";
  const worst = objective === "loss" ? Infinity : -Infinity;
  /** @param {Trial} a @param {Trial} b */
  const compare = (a, b) => {
    const [x, y] = [a.latest ?? worst, b.latest ?? worst];
    return x === y ? a.number - b.number : compareResults(objective, x, y);
  };
  return trials.map((trial) => ({ trial, place: /** @type {null} */ (null) })).sort((a, b) => compare(a.trial, b.trial));
}

/** Titles of the columns between the number of a trial and its state. @param {SweepState} sweep */
export const columnTitles = (sweep) => [...sweep.parameters.map(({ label }) => label), RESULT_LABELS[sweep.objective], "Steps"];

/** Texts of the cells below those titles. @param {SweepState} sweep @param {Trial} trial @returns {string[]} */
export function cellTexts(sweep, trial) {
  const hasResult = trial.status === "completed";
  const result = hasResult ? formatResult(sweep.objective, trial.value) : formatLatest(sweep.objective, trial.latest);
  const values = sweep.parameters.map(({ name }) => formatValue(name, trial.values[name]));
  return [...values, result, trial.step ? formatCount(trial.step) : MISSING];
}
