/** What the heading of a page and the title of its window say. Pure. */
import { statusLabel } from "../lib/runs/status.js";

/** @import { Run } from "../lib/types" */

export const PRODUCT = "MNIST Trainer";
const PERCENT_STATUSES = ["running", "paused", "stopping"];

/** "Train: run-7, running" @param {string} page @param {Pick<Run, "name"|"status">|null} run */
export const headingText = (page, run) => (run ? `${page}: ${run.name}, ${statusLabel(run.status).toLowerCase()}` : page);

/**
 * "47 % run-7", "run-7 finished"; the page without a run, and the product on the first page.
 * @param {string} page @param {Pick<Run, "name"|"status"|"step"|"total_steps">|null} run
 */
export function windowTitle(page, run) {
  if (!run) return page === "Train" ? PRODUCT : page;
  const status = statusLabel(run.status).toLowerCase();
  if (!run.total_steps || !PERCENT_STATUSES.includes(run.status)) return `${run.name} ${status}`;
  const percent = `${Math.floor(100 * Math.min(1, run.step / run.total_steps))}\u202f%`;
  return run.status === "running" ? `${percent} ${run.name}` : `${percent} ${run.name} ${status}`;
}
