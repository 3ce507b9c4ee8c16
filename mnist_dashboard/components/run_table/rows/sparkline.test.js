import assert from "node:assert/strict";
import { test } from "node:test";

import { curveHeights, sparklinePoints } from "./sparkline.js";

/** @param {string} digits */
const pointsOf = (digits) => sparklinePoints(curveHeights(digits));

test("the digits of a curve are heights between its smallest and its largest loss", () => {
  assert.deepEqual(curveHeights("z0 "), [1, 0, null]);
  assert.equal(pointsOf("z0"), "1.0,2.0 83.0,22.0");
  assert.equal(pointsOf("zh0"), "1.0,2.0 42.0,12.3 83.0,22.0");
});

test("gaps are left out", () => {
  assert.equal(pointsOf("z  0"), "1.0,2.0 83.0,22.0");
});

test("a curve needs two points", () => {
  assert.equal(pointsOf("0"), "");
  assert.equal(pointsOf(" 0"), "");
});

test("a flat curve is a line at the foot", () => {
  assert.equal(pointsOf("00"), "1.0,22.0 83.0,22.0");
});
