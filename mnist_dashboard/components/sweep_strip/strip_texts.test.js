import assert from "node:assert/strict";
import { test } from "node:test";

import { makeSweep, makeTrial } from "#tests/sweeps.js";

import { CELLS, cellTexts, sentenceOf, shareDone } from "./strip_texts.js";

const COUNTS = { ended: 23, running: 2, completed: 18, pruned: 4, diverged: 1, failed: 0, stopped: 0 };

test("the cells have the numbers of a search that goes on", () => {
  const trials = [makeTrial({}), makeTrial({ number: 2, status: "running" }), makeTrial({ number: 3, status: "running" })];
  const sweep = makeSweep({ counts: COUNTS, trials, elapsed: 444, left: 330, best: { trial: 10, value: 0.9896, text: "" } });
  assert.deepEqual(cellTexts(sweep),
    [["23", "/ 40"], ["2"], ["4"], ["1"], ["98.96\u202f%"], ["3.1"], ["7:24"], ["5:30"]]);
  assert.equal(cellTexts(null).length, CELLS.length);
});

test("what is not known yet, or has no limit, is marked as missing", () => {
  const cells = cellTexts(makeSweep({ max_trials: null, trials_a_minute: null }));
  assert.deepEqual([cells[0], cells[4], cells[5], cells[7]], [["0", ""], ["–"], ["–"], ["–"]]);
});

test("once the winner is tested, the last cell has its accuracy", () => {
  const trials = [makeTrial({ number: 1, values: { lr: 0.1 } }), makeTrial({ number: 2, values: { lr: 0.2 } })];
  const winner = makeTrial({ number: 3, role: "winner", values: { lr: 0.1 }, test: { accuracy: 0.971, low: 0.96, high: 0.98, seeds: 3 } });
  /** @param {Partial<import("../lib/types").SweepState>} values */
  const lastCell = (values) => cellTexts(makeSweep({ left: 60, trials: [...trials, winner], ...values })).at(-1);
  const [first, second] = [1, 2].map((trial) => ({ trial, value: 0.98, text: "" }));
  assert.deepEqual(lastCell({ status: "completed", best: first }), ["97.10\u202f%"]);
  assert.deepEqual(lastCell({ status: "running", best: first }), ["1:00"], "others are tested, or it was extended");
  assert.deepEqual(lastCell({ status: "stopped", best: second }), ["–"], "an extended search has another best trial");
});

test("the bar follows the limit that ends the search first", () => {
  assert.equal(shareDone(makeSweep({ counts: COUNTS, minutes: 10, elapsed: 60 })), 23 / 40);
  assert.equal(shareDone(makeSweep({ counts: COUNTS, minutes: 2, elapsed: 90 })), 0.75);
  assert.equal(shareDone(makeSweep({ status: "completed" })), 1);
});

test("the sentence says what the search waits for before what it found, and a fault before both", () => {
  const best = { trial: 10, value: 0.9, text: "" };
  const waiting = sentenceOf(makeSweep({ waits_for: "Waits for run-7.", sentence: "Best so far is trial 10.", best }));
  assert.equal(waiting?.text, "Waits for run-7. Best so far is trial 10.");
  assert.equal(waiting?.remedy?.label, "Apply to the sliders");
  const failed = sentenceOf(makeSweep({ status: "failed", reason: "The disk is full.", sentence: "None." }));
  assert.deepEqual([failed?.text, failed?.tone, failed?.remedy], ["The disk is full.", "fault", null]);
});
