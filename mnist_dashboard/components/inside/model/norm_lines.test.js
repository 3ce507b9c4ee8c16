import assert from "node:assert/strict";
import { test } from "node:test";

import { evenTicks, lineOf, logTicks, normAt, normRange, thinLine } from "./norm_lines.js";

test("a long line is thinned to geometric means", () => {
  assert.deepEqual(thinLine([1, 2, 3, 4], [1, 100, 4, null], 2).map(({ step, value }) => [step, Math.round(value)]), [[1, 10], [3, 4]]);
  assert.deepEqual(thinLine([1, 2], [3, 0], 10), [{ step: 1, value: Math.exp(Math.log(3)) }]);
  assert.deepEqual(thinLine([], [], 10), []);
});

test("a layer is a column of the norms", () => {
  assert.deepEqual(lineOf([[1, 2], [3, null], [5]], 1), [2, null, null]);
});

test("the norm at a step is the last one recorded until then", () => {
  assert.equal(normAt([10, 20], [1, 2], 19), 1);
  assert.equal(normAt([10, 20], [1, 2], 99), 2);
  assert.equal(normAt([10, 20], [1, 2], 9), null);
});

test("every value is inside the axis", () => {
  const [low, high] = normRange([[{ step: 1, value: 0.02 }], [{ step: 1, value: 3 }]]);
  assert.ok(low < 0.02 && high > 3);
  assert.deepEqual(normRange([]), [0.01, 10]);
});

test("ticks are powers of ten, or finer where fewer than two fit", () => {
  assert.deepEqual(logTicks(0.02, 30), [0.1, 1, 10]);
  assert.deepEqual(logTicks(0.8, 6), [1, 2, 5]);
  assert.deepEqual(logTicks(3.1, 3.9), []);
  assert.ok(logTicks(2.1, 5.9).length >= 2);
});

test("steps are round", () => {
  assert.deepEqual(evenTicks(2532), [0, 500, 1000, 1500, 2000, 2500]);
  assert.deepEqual(evenTicks(1), [0, 1]);
  assert.deepEqual(evenTicks(844), [0, 200, 400, 600, 800]);
});
