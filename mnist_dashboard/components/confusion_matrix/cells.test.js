import assert from "node:assert/strict";
import { test } from "node:test";

import { cellText, describeCell, describeConfusions, nextCell } from "./cells.js";

/** @import { Cell } from "./cells.js" */

const NONE = { ctrlKey: false, altKey: false, metaKey: false, shiftKey: false };

test("a cell says what it counts", () => {
  assert.equal(describeCell([5, 3], 21, 892), "5 read as 3: 21 images, 2.4\u202f% of the fives");
  assert.equal(describeCell([6, 0], 1, 1000), "6 read as 0: 1 image, 0.1\u202f% of the sixes");
  assert.equal(describeCell([0, 0], 0, 0), "0 read as 0: 0 images, 0.0\u202f% of the zeros");
  assert.equal(describeCell([0, 6], 1, 5923), "0 read as 6: 1 image, <0.1\u202f% of the zeros");
});

test("a cell shows its count or its share of the row, and nothing for zero", () => {
  assert.deepEqual([cellText(1133, 1135, false), cellText(0, 1135, false)], ["1\u202f133", ""]);
  assert.deepEqual([cellText(1133, 1135, true), cellText(1, 1135, true), cellText(5, 5, true)], ["99.8", "<0.1", "100"]);
});

test("the most frequent confusions are named", () => {
  /** @type {number[][]} */
  const matrix = Array.from({ length: 10 }, (_, i) => Array.from({ length: 10 }, (_unused, j) => (i === j ? 90 : 0)));
  assert.equal(describeConfusions(matrix), "none");
  matrix[5][3] = 21;
  matrix[9][4] = 1015;
  assert.equal(describeConfusions(matrix), "9 read as 4 (1\u202f015), 5 read as 3 (21)");
});

test("keys move within the grid and stop at its edges", () => {
  /** @type {[string, Cell, Cell][]} */
  const moves = [
    ["ArrowUp", [5, 3], [4, 3]], ["ArrowUp", [0, 3], [0, 3]], ["ArrowDown", [9, 3], [9, 3]],
    ["ArrowLeft", [5, 0], [5, 0]], ["ArrowRight", [5, 8], [5, 9]], ["ArrowRight", [5, 9], [5, 9]],
    ["Home", [5, 3], [5, 0]], ["End", [5, 3], [5, 9]], ["PageUp", [5, 3], [0, 3]], ["PageDown", [5, 3], [9, 3]],
  ];
  for (const [key, from, to] of moves) assert.deepEqual(nextCell(from, { ...NONE, key }), to, key);
  assert.deepEqual(nextCell([5, 3], { ...NONE, ctrlKey: true, key: "Home" }), [0, 0]);
  assert.deepEqual(nextCell([5, 3], { ...NONE, ctrlKey: true, key: "End" }), [9, 9]);
});

test("other keys are left to the browser", () => {
  for (const key of ["Tab", "a", "Enter", "Escape"]) assert.equal(nextCell([5, 3], { ...NONE, key }), null);
  assert.equal(nextCell([5, 3], { ...NONE, altKey: true, key: "ArrowLeft" }), null);
});
