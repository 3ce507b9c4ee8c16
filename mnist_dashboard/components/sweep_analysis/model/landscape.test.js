import assert from "node:assert/strict";
import { test } from "node:test";
import { makeLandscape, makeStripes } from "./landscape.js";

/** Points on a grid, the better the nearer to (0.75, 0.25). */
const HILL = Array.from({ length: 100 }, (_, i) => {
  const [x, y] = [(i % 10) / 9, Math.floor(i / 10) / 9];
  return { x, y, rank: 1 - Math.hypot(x - 0.75, y - 0.25) };
});

test("the best cell is near the best trials", () => {
  const { columns, rows, cells, best } = makeLandscape(HILL, null, null);
  assert.equal(cells.length, columns * rows);
  assert.ok(best && Math.hypot(best[0] - 0.75, best[1] - 0.25) < 0.08, String(best));
  const at = (/** @type {number} */ x, /** @type {number} */ y) => cells[Math.floor(y * rows) * columns + Math.floor(x * columns)];
  assert.ok(Number(at(0.75, 0.25)) > Number(at(0.1, 0.9)));
});

test("ranks are averages: none leaves the range of the trials", () => {
  const known = makeLandscape(HILL, null, null).cells.filter((value) => value !== null);
  assert.ok(Math.min(...known) >= Math.min(...HILL.map(({ rank }) => rank)));
  assert.ok(Math.max(...known) <= 1);
});

test("cells far from every trial are blank", () => {
  const { columns, cells } = makeLandscape([{ x: 0, y: 0, rank: 1 }, { x: 0.05, y: 0, rank: 0 }], null, null);
  assert.equal(cells[cells.length - 1], null);
  assert.notEqual(cells[0], null);
  assert.equal(cells[columns - 1], null);
});

test("values of a list are not smoothed into each other", () => {
  const points = [{ x: 0.25, y: 0.5, rank: 0 }, { x: 0.75, y: 0.5, rank: 1 }];
  const { columns, rows, cells, best } = makeLandscape(points, 2, 1);
  assert.deepEqual([columns, rows], [2, 1]);
  assert.deepEqual(cells, [0, 1]);
  assert.deepEqual(best, [0.75, 0.5]);
});

test("without trials everything is blank", () => {
  const { cells, best } = makeLandscape([], null, 2);
  assert.ok(cells.every((value) => value === null));
  assert.equal(best, null);
});

test("neighbours of a row in one band make one stripe, and blank cells none", () => {
  const landscape = { columns: 4, rows: 2, cells: [0.1, 0.2, null, 1, null, 0.6, 0.6, 0.6], best: null };
  assert.deepEqual(makeStripes(landscape, 2), [
    { band: 0, row: 0, from: 0, to: 2 }, { band: 1, row: 0, from: 3, to: 4 }, { band: 1, row: 1, from: 1, to: 4 },
  ]);
});
