/** Searches for the tests of what draws them. */

/** @import { SweepState, Trial } from "../../../mnist_dashboard/components/lib/types" */

/** A completed trial of the search. @param {Partial<Trial>} fields @returns {Trial} */
export function makeTrial(fields) {
  return {
    number: 1, role: "search", status: "completed", values: { lr: 0.1 }, value: 0.9, latest: 0.9, seeds: 1, step: 100, total_steps: 100,
    runs: [{ id: 1, name: "run-1", status: "completed" }], curve: [[50, 0.8], [100, 0.9]], test: null, reason: "", ...fields,
  };
}

/** A search that goes on. @param {Partial<SweepState>} fields @returns {SweepState} */
export function makeSweep(fields) {
  return {
    sweep: 3, name: "sweep-3", status: "running", reason: "", waits_for: "", objective: "accuracy", target: null, detail: "TPE",
    parameters: [{ name: "lr", label: "Learning rate", low: 0.001, high: 1, log: true, values: null }], max_trials: 40, minutes: null,
    workers: 2, elapsed: 60, left: null, trials_a_minute: 3.1,
    counts: { ended: 0, running: 0, completed: 0, pruned: 0, diverged: 0, failed: 0, stopped: 0 },
    best: null, sentence: "", verdict: "", rivals: {}, trials: [], ...fields,
  };
}
