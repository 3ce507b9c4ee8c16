/**
 * Runs that differ only in their seeds, counted as mnist_core/analysis/seed_groups.py counts them: a seed trained twice is
 * one measurement. Pure.
 */
import { ROUNDING_VARIANCE, T_QUANTILES } from "../constants.js";
import { isFinished } from "./status.js";

/** @typedef {Pick<import("../types").Run, "id"|"status"> & {settings: {seed: number}}} SeededRun */

/**
 * One run for each seed: the first that finished, else the first.
 * @template {SeededRun} T
 * @param {T[]} runs @returns {T[]} oldest first
 */
export function oneRunPerSeed(runs) {
  /** @type {Map<number, T>} */
  const bySeed = new Map();
  const finishedFirst = [...runs].sort((a, b) => Number(isFinished(b.status)) - Number(isFinished(a.status)) || a.id - b.id);
  for (const run of finishedFirst) if (!bySeed.has(run.settings.seed)) bySeed.set(run.settings.seed, run);
  return [...bySeed.values()].sort((a, b) => a.id - b.id);
}

/**
 * The runs from which the result of a group is computed: those that finished, or all while none has.
 * @template {SeededRun} T
 * @param {T[]} runs
 */
export function measuredRuns(runs) {
  const finished = runs.filter((run) => isFinished(run.status));
  return oneRunPerSeed(finished.length ? finished : runs);
}

/**
 * Half of the confidence interval of the mean of n values with this sample standard deviation, by Student's t distribution.
 * A group larger than the table of quantiles gets an interval that is wider than it needs to be, by 0.6 % at most.
 * @param {number} sd @param {number} n at least 2
 * @param {number} [resolution] unit to which the values are rounded, such as one image in an accuracy
 */
export function halfInterval(sd, n, resolution = 0) {
  const spread = Math.max(sd, Math.sqrt(ROUNDING_VARIANCE) * resolution);
  return (T_QUANTILES[Math.min(n - 1, T_QUANTILES.length) - 1] * spread) / Math.sqrt(n);
}
