import assert from "node:assert/strict";
import { test } from "node:test";

import { sparklinePoints } from "./sparkline.js";

test("losses are drawn on a logarithmic scale", () => {
  assert.equal(sparklinePoints([100, 10, 1]), "1.0,2.0 42.0,12.0 83.0,22.0");
});

test("values that have no logarithm are left out", () => {
  assert.equal(sparklinePoints([10, null, 0, 1]), "1.0,2.0 83.0,22.0");
});

test("a curve needs two points", () => {
  assert.equal(sparklinePoints([1]), "");
  assert.equal(sparklinePoints([null, 1]), "");
});

test("a flat curve is a line at the foot", () => {
  assert.equal(sparklinePoints([2, 2]), "1.0,22.0 83.0,22.0");
});
