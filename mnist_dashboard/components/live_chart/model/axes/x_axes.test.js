import assert from "node:assert/strict";
import { test } from "node:test";

import { makeIntervention, makeRun } from "#tests/factories.js";
import { CHART_AXES } from "#tests/fixtures.js";

import { X_AXES, interpolate, stepToX } from "./x_axes.js";

const series = { x: [10, 20, 30], elapsed_seconds: [1, 2, 4] };

test("there is an axis for every one that Python asks for", () => {
  assert.deepEqual(Object.keys(X_AXES), CHART_AXES);
});

test("values between points lie on the straight line between them", () => {
  assert.equal(interpolate([0, 10], [5, 7], 5), 6);
  assert.equal(interpolate([0, 10, 20], [5, 7, 0], 10), 7);
});

test("before the first point its value holds, beyond the last there is none", () => {
  assert.equal(interpolate([10, 20], [5, 7], 3), 5);
  assert.equal(interpolate([10, 20], [5, 7], 21), null);
  assert.equal(interpolate([10, 20], [5, 7], -1), null);
  assert.equal(interpolate([], [], 1), null);
});

test("next to a missing value there is none", () => {
  assert.equal(interpolate([0, 10, 20], [5, null, 7], 15), null);
  assert.equal(interpolate([0, 10, 20], [5, null, 7], 20), 7);
  assert.equal(interpolate([0, 10], [5, 7], null), null);
});

test("time follows the curve's own clock", () => {
  const toTime = stepToX("time", series, undefined);
  assert.deepEqual([10, 25, 30, 31].map(toTime), [1, 3, 4, null]);
});

test("the last batch of an epoch is smaller", () => {
  // 1,000 images in batches of 300: 300, 600, 900, 1,000
  const run = makeRun({ train_images: 1_000, settings: { batch_size: 300 }, epoch_ends: [4, 8] });
  const toImages = stepToX("images", series, run);
  assert.deepEqual([0, 1, 3, 4, 5, 7, 8].map(toImages), [0, 300, 900, 1_000, 1_300, 1_900, 2_000]);
  assert.equal(stepToX("epoch", series, run)(6), 1.6);
});

test("a changed batch size counts from the step of its change", () => {
  // 300 an update until step 2, then 100: 300, 600, 700, …, 1,000 at step 6
  const interventions = [makeIntervention({ field: "batch_size", step: 2, old: 300, new: 100 }), makeIntervention({ step: 1 })];
  const run = makeRun({ train_images: 1_000, settings: { batch_size: 100 }, epoch_ends: [6, 16], interventions });
  const toImages = stepToX("images", series, run);
  assert.deepEqual([1, 2, 3, 6, 7, 16].map(toImages), [300, 600, 700, 1_000, 1_100, 2_000]);
});

test("epochs and images are unknown until the summary of the run has arrived", () => {
  assert.equal(stepToX("epoch", series, undefined)(5), null);
  assert.equal(stepToX("images", series, makeRun({ train_images: 0 }))(5), null);
  assert.equal(stepToX("step", series, undefined)(5), 5);
});
