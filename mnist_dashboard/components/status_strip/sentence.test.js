import assert from "node:assert/strict";
import { test } from "node:test";

import { makeRun } from "#tests/factories.js";

import { sentenceOf } from "./sentence.js";

/** @type {import("../lib/types").Sentence} */
const SENTENCE = { text: "98.31 % right.", tone: "result", remedy: null, cell: null };

test("without a run the slot says how to start one", () => {
  assert.equal(sentenceOf(null, { epochs: 3, total_steps: 9, detail: "", hint: "Press Start." })?.text, "Press Start.");
});

test("a queued run says what it waits for, whatever else there is to say", () => {
  const run = makeRun({ status: "queued", queue_position: 2, after: "run-6", sentence: SENTENCE });
  assert.equal(sentenceOf(run, null)?.text, "Position 2 in the queue, after run-6.");
});

test("what was found out about a run comes before why it ended and before a notice", () => {
  assert.equal(sentenceOf(makeRun({ sentence: SENTENCE, reason: "Broken.", notice: "MNIST-5k." }), null), SENTENCE);
  assert.deepEqual(sentenceOf(makeRun({ status: "failed", reason: "Broken.", notice: "MNIST-5k." }), null),
    { text: "Broken.", tone: "fault", remedy: null });
  assert.equal(sentenceOf(makeRun({ status: "stopped", reason: "Removed.", notice: "" }), null)?.tone, "progress");
  assert.equal(sentenceOf(makeRun({ status: "completed", reason: "", notice: "MNIST-5k." }), null)?.text, "MNIST-5k.");
  assert.equal(sentenceOf(makeRun({ status: "running", reason: "", notice: "" }), null), null);
});
