import assert from "node:assert/strict";
import { test } from "node:test";

import { meanBand, subtractLine } from "./differences.js";

test("a difference is taken at the same x, between the baseline's points too", () => {
  const line = { x: [5, 10, 20], y: [1, 2, 3] };
  assert.deepEqual(subtractLine(line, { x: [0, 10], y: [0, 1] }), { x: [5, 10, 20], y: [0.5, 1, null] });
});

test("where a value is missing there is no difference", () => {
  assert.deepEqual(subtractLine({ x: [0, 1], y: [null, 2] }, { x: [0, 1], y: [1, null] }).y, [null, null]);
});

test("a band is the mean of its lines and one sample standard deviation to each side", () => {
  const { x, mean, low, high } = meanBand([{ x: [0, 10], y: [1, 3] }, { x: [0, 5, 10], y: [3, 4, 5] }]);
  assert.deepEqual(x, [0, 5, 10]);
  assert.deepEqual(mean, [2, 3, 4]);
  assert.deepEqual(low.map((value) => value?.toFixed(4)), [2, 3, 4].map((value) => (value - Math.SQRT2).toFixed(4)));
  assert.deepEqual(high.map((value) => value?.toFixed(4)), [2, 3, 4].map((value) => (value + Math.SQRT2).toFixed(4)));
});

test("where only one line goes on there is no band, but its values", () => {
  const { mean, low, alone } = meanBand([{ x: [0, 10, 20], y: [1, 1, 3] }, { x: [0, 10], y: [1, 1] }]);
  assert.deepEqual(mean, [1, 1, null]);
  assert.deepEqual(low, [1, 1, null]);
  assert.deepEqual(alone, [null, null, 3]);
});
