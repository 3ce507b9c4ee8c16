/** Runs that differ only in their seed, counted as mnist_core/analysis/seed_groups.py counts them: a seed trained twice is one measurement. Pure. */
import { isFinished } from "./status.js";

/** One run for each seed: the first that ended, else the first. @param {object[]} runs @returns {object[]} oldest first */
export function ofEachSeed(runs) {
  const firsts = new Map();
  const ordered = [...runs].sort((a, b) => isFinished(b.status) - isFinished(a.status) || a.id - b.id);
  for (const run of ordered) if (!firsts.has(run.settings.seed)) firsts.set(run.settings.seed, run);
  return [...firsts.values()].sort((a, b) => a.id - b.id);
}

/** The runs that a result of the group is worked out from: those that have ended, or all while none has. */
export function measured(runs) {
  const ended = runs.filter((run) => isFinished(run.status));
  return ofEachSeed(ended.length ? ended : runs);
}
