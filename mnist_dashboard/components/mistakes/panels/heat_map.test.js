import assert from "node:assert/strict";
import { test } from "node:test";

import { heatOfPixels } from "./heat_map.js";

const PLACES = [...Array(11).keys()];

/** @param {(i: number, j: number) => number} loss */
const occlusion = (loss) => ({
  step: 1, digit: 4, probability: 0.9, size: 7, stride: 2, reads: [],
  losses: PLACES.map((i) => PLACES.map((j) => loss(i, j))),
});

test("a pixel is as hot as the windows that cover it, the hottest is 1", () => {
  const heat = heatOfPixels(occlusion((i, j) => (i === 0 && j === 0 ? 0.5 : 0)));
  assert.equal(heat[0], 1); // only that window covers the corner
  assert.ok(heat[28 * 6 + 6] > 0 && heat[28 * 6 + 6] < heat[0]);
  assert.equal(heat[28 * 20 + 20], 0);
});

test("where the answer gains, or nothing is lost, there is no heat", () => {
  assert.ok(heatOfPixels(occlusion(() => -0.1)).every((value) => value === 0));
});
