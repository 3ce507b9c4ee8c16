import assert from "node:assert/strict";
import { test } from "node:test";

import { inOrder, nearestPlace, placeOnTrack } from "./scrub_track.js";

/** @param {number} step @param {number} accuracy @param {"validation"|"test"} [split] */
const evaluated = (step, accuracy, split = "validation") => (
  { id: step, step, epoch: 1, split, loss: 0, accuracy, has_probabilities: true, weights_step: null });

test("evaluations stand by step, and the test after the validation of the same step", () => {
  const evaluations = inOrder([evaluated(20, 0.9, "test"), evaluated(20, 0.9), evaluated(10, 0.8)]);
  assert.deepEqual(evaluations.map(({ step, split }) => [step, split]), [[10, "validation"], [20, "validation"], [20, "test"]]);
});

test("the height is the logarithm of the error: each halving of it is as high", () => {
  const [first, second, third] = placeOnTrack([evaluated(10, 0.6), evaluated(20, 0.8), evaluated(40, 0.9)], 40);
  assert.deepEqual([first.x, second.x, third.x], [0.25, 0.5, 1]);
  assert.equal(first.y, 0);
  assert.ok(Math.abs(second.y - 0.5) < 1e-9);
  assert.equal(third.y, 1);
});

test("a single evaluation, or one without any error, has a place", () => {
  assert.deepEqual(placeOnTrack([evaluated(10, 1)], 40), [{ x: 0.25, y: 1 }]);
  assert.deepEqual(placeOnTrack([], 40), []);
});

test("a position shows the nearest evaluation, of two at one place the later", () => {
  const places = [{ x: 0.2 }, { x: 0.6 }, { x: 1 }, { x: 1 }];
  assert.equal(nearestPlace(places, 0.3), 0);
  assert.equal(nearestPlace(places, 0.5), 1);
  assert.equal(nearestPlace(places, 1), 3);
});
