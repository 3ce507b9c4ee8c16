import assert from "node:assert/strict";
import { test } from "node:test";

import { PointIndex } from "./point_index.js";

const [WIDTH, HEIGHT] = [400, 300];
/** The same numbers every time. @param {number} n */
const scattered = (n) => (Math.sin(12.9898 * n) * 43758.5453) % 1;
const points = Float32Array.from({ length: 2000 }, (_, i) => Math.abs(scattered(i)) * (i % 2 ? HEIGHT : WIDTH));

test("the points within a distance are those of a plain search, the nearest first", () => {
  const index = new PointIndex(points, WIDTH, HEIGHT);
  for (const [x, y, distance] of [[200, 150, 14], [0, 0, 30], [399, 299, 14], [-5, 310, 25]]) {
    /** @param {number} i */
    const away = (i) => Math.hypot(points[2 * i] - x, points[2 * i + 1] - y);
    const expected = [...Array(1000).keys()].filter((i) => i % 3 && away(i) <= distance).sort((a, b) => away(a) - away(b));
    assert.deepEqual(index.within(x, y, distance, (i) => i % 3 !== 0), expected);
  }
});

test("without points nothing is near", () => {
  assert.deepEqual(new PointIndex(new Float32Array(), WIDTH, HEIGHT).within(1, 1, 100, () => true), []);
});
