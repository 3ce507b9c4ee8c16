/** What the strip of a search says. Pure. */
import { LABELS } from "../lib/constants.js";
import { MISSING, formatCount, formatDuration, formatPercent } from "../lib/format.js";
import { formatResult } from "../lib/sweeps/results.js";

/** @import { SweepState } from "../lib/types" */
/** @import { Shown } from "../status_strip/sentence.js" */

export const CELLS = ["Trials", "Running", "Pruned", "Failed", LABELS.BEST_VALIDATION, "Trials a minute", LABELS.DURATION, "Left, about"];

/** Titles of the best result. @type {Record<SweepState["objective"], string>} */
export const BEST_LABELS = { accuracy: LABELS.BEST_VALIDATION, loss: "Best val. loss", time: "Best time" };

const ENDED = ["completed", "stopped", "failed"];

/** Whether it goes on only if a person extends it. @param {string} status */
export const hasEnded = (status) => ENDED.includes(status);

/** Test accuracy of the winner over the fresh seeds that are there. @param {SweepState|null} sweep */
export function winnerAccuracy(sweep) {
  if (!sweep || !hasEnded(sweep.status)) return null;
  const best = JSON.stringify(sweep.trials.find(({ number }) => number === sweep.best?.trial)?.values);
  const tested = sweep.trials.findLast(({ role, status, values }) =>
    role === "winner" && status === "completed" && JSON.stringify(values) === best);
  return tested?.test?.accuracy ?? null;
}

/** Texts and units of the cells, in the order of CELLS. @param {SweepState|null} sweep @returns {[text: string, unit?: string][]} */
export function cellTexts(sweep) {
  if (!sweep) return CELLS.map(() => [MISSING]);
  const { counts } = sweep;
  const tested = winnerAccuracy(sweep);
  return [
    [formatCount(counts.ended), sweep.max_trials === null ? "" : `/ ${formatCount(sweep.max_trials)}`],
    [formatCount(sweep.trials.filter(({ status }) => status === "running").length)],
    [formatCount(counts.pruned)],
    [formatCount(counts.failed + counts.diverged)],
    [formatResult(sweep.objective, sweep.best?.value ?? null)],
    [sweep.trials_a_minute === null ? MISSING : String(Number(sweep.trials_a_minute.toPrecision(2)))],
    [formatDuration(sweep.elapsed)],
    [tested === null ? formatDuration(hasEnded(sweep.status) ? null : sweep.left) : formatPercent(tested)],
  ];
}

/** Share of the search that is done, by trials or by time, whichever ends it first. @param {SweepState|null} sweep */
export function shareDone(sweep) {
  if (!sweep) return 0;
  if (sweep.status === "completed") return 1;
  const byTrials = sweep.max_trials ? sweep.counts.ended / sweep.max_trials : 0;
  const byTime = sweep.minutes ? sweep.elapsed / (60 * sweep.minutes) : 0;
  return Math.min(1, Math.max(byTrials, byTime));
}

/** The sentence, and the button that applies the best settings. @param {SweepState|null} sweep @returns {Shown|null} */
export function sentenceOf(sweep) {
  if (!sweep) return null;
  const remedy = sweep.best && { id: String(sweep.best.trial), label: "Apply to the sliders" };
  if (sweep.reason) return { text: sweep.reason, tone: sweep.status === "failed" ? "fault" : "progress", remedy };
  const text = [sweep.waits_for, sweep.sentence].filter(Boolean).join(" ");
  return text ? { text, tone: sweep.status === "completed" && sweep.best ? "result" : "progress", remedy } : null;
}
