import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeTrials, rank } from "./trials.js";

/** @import { SweepState, Trial } from "../../lib/types" */

const DEFAULTS = { role: "search", status: "completed", value: null, curve: [], values: {}, runs: [] };
/** @param {number} number @param {Partial<Trial>} fields @returns {Trial} */
const trial = (number, fields) => /** @type {Trial} */ ({ ...DEFAULTS, number, ...fields });
/** @param {SweepState["objective"]} objective @param {Trial[]} trials @param {number} [best] */
const sweep = (objective, trials, best) => /** @type {SweepState} */ ({ objective, trials, best: best ? { trial: best, value: 1 } : null });

const TRIALS = [
  trial(1, { value: 0.9 }),
  trial(2, { status: "pruned", curve: [[10, 0.5], [20, 0.4]] }),
  trial(3, { value: 0.95 }),
  trial(4, { status: "running", curve: [[10, 0.99]] }),
  trial(5, { status: "failed" }),
  trial(6, { status: "diverged", value: 0.1 }),
  trial(7, { role: "winner", value: 0.97 }),
];

test("finished, diverged and pruned trials of the search are judged, the pruned by the best that they had reached", () => {
  const judged = judgeTrials(sweep("accuracy", TRIALS, 3));
  assert.deepEqual(judged.map((item) => item.trial.number), [1, 2, 3, 6]);
  assert.deepEqual(judged.map(({ result }) => result), [0.9, 0.5, 0.95, 0.1]);
  assert.deepEqual(judged.map((item) => item.rank), [2 / 3, 1 / 3, 1, 0]);
  assert.deepEqual(judged.map(({ kind }) => kind), ["finished", "pruned", "best", "finished"]);
});

test("the lowest loss has the highest rank", () => {
  const pruned = trial(2, { status: "pruned", curve: [[1, 2], [2, 1]] });
  const judged = judgeTrials(sweep("loss", [trial(1, { value: 0.2 }), pruned, trial(3, { value: 0.1 })]));
  assert.deepEqual(judged.map((item) => [item.result, item.rank]), [[0.2, 0.5], [1, 0], [0.1, 1]]);
});

test("a pruned trial that never came to the target is last", () => {
  const judged = judgeTrials(sweep("time", [trial(1, { status: "pruned", curve: [[1, 0.99]] }), trial(2, { value: 30 })]));
  assert.deepEqual(judged.map((item) => [item.result, item.rank]), [[null, 0], [30, 1]]);
});

test("equal values share the mean of their ranks", () => {
  assert.deepEqual(rank([5, 5, 1, 9, -Infinity, -Infinity]), [0.7, 0.7, 0.4, 1, 0.1, 0.1]);
  assert.deepEqual(rank([]), []);
  assert.deepEqual(rank([3]), [0]);
});
