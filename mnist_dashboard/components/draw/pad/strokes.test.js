import assert from "node:assert/strict";
import { test } from "node:test";

import { Strokes } from "./strokes.js";

test("a stroke grows point by point, without points that nobody can tell apart", () => {
  const strokes = new Strokes();
  strokes.begin([0, 0]);
  assert.equal(strokes.extend([0.5, 0.5]), false);
  assert.equal(strokes.extend([3, 0]), true);
  strokes.begin([9, 9]);
  assert.deepEqual(strokes.all, [[[0, 0], [3, 0]], [[9, 9]]]);
});

test("undo takes back the last stroke, and a clear as a whole", () => {
  const strokes = new Strokes();
  assert.equal(strokes.undo(), false);
  strokes.begin([0, 0]);
  strokes.begin([1, 1]);
  strokes.clear();
  assert.equal(strokes.isEmpty, true);
  assert.equal(strokes.canUndo, true);
  assert.equal(strokes.undo(), true);
  assert.deepEqual(strokes.all, [[[0, 0]], [[1, 1]]]);
  assert.equal(strokes.undo(), true);
  assert.deepEqual(strokes.all, [[[0, 0]]]);
});

test("what was cleared is forgotten with the next stroke", () => {
  const strokes = new Strokes();
  strokes.begin([0, 0]);
  strokes.clear();
  strokes.begin([1, 1]);
  strokes.undo();
  assert.equal(strokes.canUndo, false);
});

test("neither strokes nor points grow without limit", () => {
  const strokes = new Strokes();
  strokes.begin([0, 0]);
  for (let x = 1; x < 5000; x++) strokes.extend([2 * x, 0]);
  assert.ok(strokes.all.every((stroke) => stroke.length <= 2000));
  assert.deepEqual(strokes.all.at(-1)?.at(-1), [9998, 0]);
  for (let i = 0; i < 500; i++) strokes.begin([i, 0]);
  assert.equal(strokes.all.length, 200);
});
