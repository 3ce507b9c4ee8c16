import assert from "node:assert/strict";
import { test } from "node:test";

import { keepLastDrawing, labelLastDrawing, lastDrawing, takeNewDrawing } from "./last_drawing.js";

test("a drawing is new once, and again after a change", () => {
  assert.equal(takeNewDrawing(), null);
  keepLastDrawing(Uint8ClampedArray.of(0, 255));
  const first = takeNewDrawing();
  assert.deepEqual(first?.levels, Uint8ClampedArray.of(0, 255));
  keepLastDrawing(Uint8ClampedArray.of(0, 255));
  assert.equal(takeNewDrawing(), null);
  assert.equal(lastDrawing(), first);
  keepLastDrawing(Uint8ClampedArray.of(9, 255));
  assert.notEqual(takeNewDrawing()?.version, first?.version);
});

test("a drawing keeps its label until it changes", () => {
  keepLastDrawing(Uint8ClampedArray.of(3));
  assert.equal(lastDrawing()?.label, null);
  labelLastDrawing(7);
  keepLastDrawing(Uint8ClampedArray.of(3));
  assert.equal(lastDrawing()?.label, 7);
  keepLastDrawing(Uint8ClampedArray.of(4));
  assert.equal(lastDrawing()?.label, null);
});

test("an empty pad has no drawing", () => {
  keepLastDrawing(Uint8ClampedArray.of(1));
  keepLastDrawing(null);
  assert.equal(lastDrawing(), null);
  assert.equal(takeNewDrawing(), null);
});
