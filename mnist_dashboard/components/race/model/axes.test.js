import assert from "node:assert/strict";
import { test } from "node:test";

import { gapAxis, gapLine, leads, lossAxis, roundTicks, thin, valueAt } from "./axes.js";

/** @param {number} epochs @param {number} leader @param {Record<string, number>} accuracies */
const moment = (epochs, leader, accuracies) => ({ epochs, leader, accuracies, steps: { 1: 100 * epochs, 2: 50 * epochs } });
const MOMENTS = [moment(1, 1, { 1: 0.9, 2: 0.5 }), moment(2, 2, { 1: 0.95, 2: 0.97 }), moment(3, 2, { 1: 0.96, 2: 0.98 })];

test("ticks are round", () => {
  assert.deepEqual(roundTicks(0, 640, 6), [0, 200, 400, 600]);
  assert.deepEqual(roundTicks(0, 640, 7), [0, 100, 200, 300, 400, 500, 600]);
  assert.deepEqual(roundTicks(-8, 0, 4), [-8, -6, -4, -2, 0]);
  assert.deepEqual(roundTicks(-0.5, 0, 4), [-0.4, -0.2, 0]);
  assert.deepEqual(roundTicks(0, 3, 6), [0, 0.5, 1, 1.5, 2, 2.5, 3]);
});

test("the axis of the loss has room for every value and for the loss of guessing", () => {
  const axis = lossAxis([0.06, 1.2]);
  assert.ok(axis.low < 0.06 && axis.high > 2.3);
  assert.deepEqual(axis.ticks, [0.05, 0.1, 0.2, 0.5, 1, 2]);
  assert.equal(axis.place(axis.low), 0);
  assert.equal(axis.place(axis.high), 1);
  assert.deepEqual(lossAxis([1e-6, 2]).ticks, [1e-6, 1e-5, 1e-4, 0.001, 0.01, 0.1, 1]);
  assert.ok(lossAxis([]).ticks.length > 1);
});

test("a lane far behind does not press the others together", () => {
  assert.ok(gapAxis(MOMENTS).low <= -2 && gapAxis(MOMENTS).low > -3);
  assert.equal(gapAxis([moment(1, 1, { 1: 0.98, 2: 0.1 })]).low, -13.5);
  assert.equal(gapAxis([]).low, -0.5);
});

test("a lane is as far behind as the best one is ahead, over steps or epochs", () => {
  assert.deepEqual(gapLine(MOMENTS, 1, true).map(([x, y]) => [x, y.toFixed(1)]), [[100, "0.0"], [200, "-2.0"], [300, "-2.0"]]);
  assert.deepEqual(gapLine(MOMENTS, 2, false).map(([x]) => x), [1, 2, 3]);
  assert.deepEqual(gapLine([moment(1, 1, { 1: 0.5 })], 2, true), []);
});

test("the tint says who was in front from one moment to the next", () => {
  assert.deepEqual(leads(MOMENTS, false), [{ leader: 1, from: 0, to: 1 }, { leader: 2, from: 1, to: 3 }]);
  assert.deepEqual(leads([], true), []);
});

test("a line is read at the pointer, and thinned to what a screen shows", () => {
  assert.equal(valueAt([[1, 5], [3, 6]], 2), 5);
  assert.equal(valueAt([[1, 5], [3, 6]], 4), null);
  assert.equal(valueAt([], 4), null);
  assert.deepEqual(thin([[1, 1], [2, 2], [3, 3], [4, 4]], 2), [[1, 1], [3, 3], [4, 4]]);
});
