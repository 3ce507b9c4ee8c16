import assert from "node:assert/strict";
import { test } from "node:test";

import { accuracyFloor, accuracyRange, logTicks, lossRange, paddedRange } from "./ranges.js";

/** @param {number} accuracy @param {...number} evaluations */
const run = (accuracy, ...evaluations) => ({ smoothed: accuracy, recent: accuracy, evaluations });

test("the loss axis spans 0.01 to 4 and widens in round steps", () => {
  assert.deepEqual(lossRange([[2, 0.05]], [], true), [-2, Math.log10(4)]);
  assert.deepEqual(lossRange([[9], [null, 0.0021]], [], true), [Math.log10(0.002), 1]);
  assert.deepEqual(lossRange([], [], true), [-2, Math.log10(4)]);
});

test("a single batch that is all correct does not stretch the logarithmic axis to the bottom", () => {
  assert.equal(lossRange([[0.5, 0.1]], [1e-9, 0.5], true)[0], Math.log10(0.005));
  assert.equal(lossRange([[0.5, 0.1]], [0, 0.5], true)[0], -2);
});

test("the linear loss axis starts at zero", () => {
  assert.deepEqual(lossRange([[2, 1]], [], false), [0, 2.1]);
  assert.deepEqual(lossRange([], [], false), [0, 2.5]);
});

test("other lines get what they span and some room", () => {
  assert.deepEqual(paddedRange([[1, null, 2]], false), [0.94, 2.06]);
  assert.deepEqual(paddedRange([[5, 5]], false), [4.7, 5.3]);
  assert.deepEqual(paddedRange([[0, 10, 1000]], true), [0.9, 3.1]);
  assert.deepEqual(paddedRange([[null]], false), [0, 1]);
  assert.deepEqual(paddedRange([], true), [-1, 0]);
});

test("ticks of a logarithmic axis thin out over many decades", () => {
  assert.equal(logTicks([-2, 0.6], 250), "D2");
  assert.equal(logTicks([-10, 6], 250), 2);
});

test("ticks of a low logarithmic axis leave room for their labels", () => {
  assert.equal(logTicks([-2, 1.3], 100), 1);
  assert.equal(logTicks([-10, 6], 60), 4);
});

test("the accuracy axis starts at zero until all runs pass 60 %, then at 50 %, then at 80 %", () => {
  assert.equal(accuracyFloor([run(0.59)], undefined), 0);
  assert.equal(accuracyFloor([run(0.6)], undefined), 0.5);
  assert.equal(accuracyFloor([run(0.9, 0.95)], undefined), 0.8);
  assert.equal(accuracyFloor([run(0.95), run(0.7)], undefined), 0.5);
  assert.equal(accuracyFloor([run(0.95), run(0.1)], undefined), 0);
  assert.equal(accuracyFloor([{ smoothed: null, recent: null, evaluations: [0.9] }], undefined), 0);
  assert.equal(accuracyFloor([], undefined), 0);
});

test("the curve that is drawn decides when the start rises, and the last batches when it falls", () => {
  assert.equal(accuracyFloor([{ smoothed: 0.85, recent: 0.95, evaluations: [] }], undefined), 0.5);
  assert.equal(accuracyFloor([{ smoothed: 0.95, recent: 0.85, evaluations: [] }], undefined), 0.5);
  assert.equal(accuracyFloor([{ smoothed: 0.7, recent: 0.85, evaluations: [] }], 0.8), 0.8);
});

test("no evaluation is cut off by the start of the accuracy axis", () => {
  assert.equal(accuracyFloor([run(0.95, 0.6, 0.97)], undefined), 0.5);
  assert.equal(accuracyFloor([run(0.95, 0.1)], 0.8), 0);
});

test("the start in force is kept until a run falls below it", () => {
  assert.equal(accuracyFloor([run(0.81)], 0.8), 0.8);
  assert.equal(accuracyFloor([run(0.79)], 0.8), 0.5);
  assert.equal(accuracyFloor([run(0.51)], 0.5), 0.5);
  assert.equal(accuracyFloor([run(0.49)], 0.5), 0);
});

test("a line at 100 % is not cut off", () => {
  assert(accuracyRange(0.8)[1] > 1);
  assert.deepEqual(accuracyRange(0), [0, 1.01]);
});
