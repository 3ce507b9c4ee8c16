import assert from "node:assert/strict";
import { test } from "node:test";

import { describeStroke, heatOfPixels } from "./heat_map.js";

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

test("what is read without the most important place is said", () => {
  const reads = PLACES.map((i) => PLACES.map((j) => (i === 3 && j === 4 ? 9 : 4)));
  const losses = PLACES.map((i) => PLACES.map((j) => (i === 3 && j === 4 ? 0.8 : 0.1)));
  const found = { ...occlusion(() => 0), losses, reads };
  assert.equal(describeStroke(found), "Colour marks what makes it a 4. With its strongest part hidden, it reads 9.");
  const unmoved = { ...found, reads: reads.map((row) => row.map(() => 4)) };
  assert.equal(describeStroke(unmoved), "Colour marks what speaks for 4. With its strongest part hidden, it still reads 4.");
});
