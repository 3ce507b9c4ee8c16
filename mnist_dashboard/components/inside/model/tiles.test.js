import assert from "node:assert/strict";
import { test } from "node:test";

import { boundsOf, colorIndex, columnsFor, unpack } from "./tiles.js";

const packed = { name: "conv1", shape: [2, 1, 2], min: -1, max: 4, values: btoa(String.fromCharCode(0, 255, 51, 102)) };

test("levels become numbers again", () => {
  const { count, height, width, values } = unpack(packed);
  assert.deepEqual([count, height, width], [2, 1, 2]);
  assert.deepEqual([...values], [-1, 4, 0, 1]);
});

test("units without pictures are single numbers", () => {
  const { count, height, width } = unpack({ ...packed, shape: [4] });
  assert.deepEqual([count, height, width], [4, 1, 1]);
});

test("each picture has its own bound, or all have one", () => {
  assert.deepEqual(boundsOf(unpack(packed), false), [4, 1]);
  assert.deepEqual(boundsOf(unpack(packed), true), [4, 4]);
});

test("0 is the middle of a scale with two sides, and the start of one with one", () => {
  assert.equal(colorIndex(0, 3, true), 128);
  assert.equal(colorIndex(0, 3, false), 0);
  assert.equal(colorIndex(3, 3, true), 255);
  assert.equal(colorIndex(-3, 3, true), 0);
  assert.equal(colorIndex(0, 0, false), 0);
});

test("as few columns as fit, so that the pictures are large", () => {
  assert.equal(columnsFor(20, 300, 240, 3), 5);
  assert.equal(columnsFor(1, 300, 240, 3), 1);
  for (const count of [3, 16, 32, 128]) {
    const columns = columnsFor(count, 300, 240, 3);
    const rows = Math.ceil(count / columns);
    assert.ok(rows * ((300 - 3 * (columns - 1)) / columns) + 3 * (rows - 1) <= 240);
  }
});
