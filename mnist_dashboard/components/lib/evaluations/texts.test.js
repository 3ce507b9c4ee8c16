import assert from "node:assert/strict";
import { test } from "node:test";

import { aDigit, count, describeEvaluation, describeHistory, formatLevel } from "./texts.js";

/** @param {number[]} predicted at steps 10, 20, … */
const history = (...predicted) => ({
  label: 9,
  evaluations: predicted.map((digit, i) => ({ id: i, step: 10 * (i + 1), predicted: digit, probability: null })),
});

test("a level says no more than it knows", () => {
  assert.equal(formatLevel(0), "<1\u202f%");
  assert.equal(formatLevel(249), "98\u202f%");
  assert.equal(formatLevel(255), ">99\u202f%");
});

test("an evaluation is told in shares and counts", () => {
  /** @type {import("./run_evaluations.js").Evaluated} */
  const evaluation = {
    id: 1, step: 5, epoch: 1, split: "test", loss: 0.1, accuracy: 0.9638, has_probabilities: true, weights_step: 5,
  };
  assert.equal(describeEvaluation(evaluation, 10000), "96.38\u202f% of 10\u202f000 test images right, 362 mistakes");
  assert.equal(describeEvaluation({ ...evaluation, accuracy: 1 }, 10), "100.00\u202f% of 10 test images right, no mistakes");
  assert.equal(count(1, "mistake"), "1 mistake");
});

test("an image is wrong since an evaluation, and may have changed sides", () => {
  assert.equal(describeHistory(history(4, 4), 20), "Wrong at all 2 evaluations.");
  assert.equal(describeHistory(history(9, 4, 4), 30), "Wrong since step 20.");
  assert.equal(describeHistory(history(4, 9, 4, 9), 40), "Right since step 40. Changed sides 3 times.");
  assert.equal(describeHistory(history(9, 4, 9), 30), "Right since step 30. Changed sides twice.");
});

test("a test image was read once, but by each snapshot of the weights", () => {
  assert.equal(describeHistory(history(9, 4, 4), 30, "snapshot"), "Wrong since the snapshot of step 20.");
  assert.equal(describeHistory(history(4, 4), 20, "snapshot"), "Wrong at all 2 snapshots.");
});

test("what comes after the evaluation that is shown does not count", () => {
  assert.equal(describeHistory(history(9, 4), 10), "");
  assert.equal(describeHistory(history(9, 4), 5), "");
});

test("a digit has the article that it is spoken with", () => {
  assert.deepEqual([1, 4, 8].map(aDigit), ["a 1", "a 4", "an 8"]);
});
