/** What the status strip writes about a run. Pure. */
import { LABELS } from "../lib/constants.js";
import { MISSING, formatCount, formatDuration, formatLoss, formatPercent, isNumber } from "../lib/format.js";
import { isFinished } from "../lib/runs/status.js";

/**
 * @import { RunSeries } from "../../feed/client/series.js"
 * @import { Run } from "../lib/types"
 */

/** @typedef {{epochs: number, total_steps: number, detail: string, hint?: string}} IdleRun the run that the settings would start */

export const CELLS = [
  LABELS.EPOCH, LABELS.STEP, LABELS.TRAIN_LOSS_SMOOTHED, LABELS.TRAIN_ACCURACY_SMOOTHED, LABELS.VALIDATION, LABELS.SPEED,
  LABELS.DURATION, LABELS.LEFT,
];
export const LONG_RUN = 10000; // steps from which on the total no longer fits beside the step

/** @param {Run|null} run @param {IdleRun|null} idle */
export function detailOf(run, idle) {
  if (!run) return idle?.detail ?? "";
  const { dataset, train_images: train, validation_images: validation } = run;
  const parts = [dataset, train && `${formatCount(train)} train`, validation && `${formatCount(validation)} validation`];
  return parts.filter(Boolean).join(", ");
}

/** Seconds until the end at the speed so far. @param {Run|null} run @param {number|null} elapsed */
export function secondsLeft(run, elapsed) {
  if (!run || !["running", "paused", "stopping"].includes(run.status) || !run.step || elapsed === null) return null;
  return (elapsed / run.step) * Math.max(0, run.total_steps - run.step);
}

/** Certain only once the data are prepared. @param {Run|null} run */
export const hasNoValidation = (run) => run !== null && run.train_images > 0 && run.validation_images === 0;

/** Whether the run is over and its last cell shows the test result. @param {Run|null} run */
export const isTested = (run) => run !== null && isFinished(run.status) && isNumber(run.test_accuracy);

/** @param {number|undefined} steps */
const ofTotal = (steps = 0) => (steps >= LONG_RUN ? "" : `/ ${steps ? formatCount(steps) : MISSING}`);

/**
 * Texts and units of the cells, in the order of CELLS.
 * @param {Run|null} run @param {IdleRun|null} idle @param {RunSeries|undefined} series
 * @param {number|null} elapsed @param {number|null} left
 * @returns {[text: string, unit?: string][]}
 */
export function cellTexts(run, idle, series, elapsed, left) {
  if (!run) {
    const missing = CELLS.slice(2).map(() => /** @type {[string]} */ ([MISSING]));
    return [["0", `/ ${idle?.epochs ?? MISSING}`], ["0", ofTotal(idle?.total_steps)], ...missing];
  }
  /** @param {"loss"|"accuracy"} field */
  const smoothed = (field) => (series?.step ? series.recentMean(field) : run[field]);
  const isNan = run.status === "diverged" && !isNumber(run.loss);
  const hasSpeed = ["running", "stopping", "completed", "stopped"].includes(run.status);
  const speed = (hasSpeed && run.examples_per_second) || null;
  return [
    [String(run.step ? Math.min(run.settings.epochs, run.epoch || 1) : 0), `/ ${run.settings.epochs}`],
    [formatCount(run.step), ofTotal(run.total_steps)],
    [isNan ? "NaN" : formatLoss(smoothed("loss"))],
    [formatPercent(smoothed("accuracy"))],
    [formatPercent(hasNoValidation(run) && !isTested(run) ? run.test_accuracy : run.validation_accuracy)],
    [formatCount(speed), speed ? LABELS.SPEED_UNIT : ""],
    [run.step ? formatDuration(elapsed) : MISSING],
    [isTested(run) ? formatPercent(run.test_accuracy) : formatDuration(left)],
  ];
}
