import assert from "node:assert/strict";
import { test } from "node:test";

import { clickDigit, decodePoints, ease, fitPoints, labelCentres, mixPoints, nextWrong } from "./map_layout.js";

test("points come as float32, little-endian", () => {
  const bytes = new Uint8Array(Float32Array.of(1.5, -2, 0, 3).buffer); // every machine that runs this is little-endian
  assert.deepEqual([...decodePoints(btoa(String.fromCharCode(...bytes)))], [1.5, -2, 0, 3]);
});

test("a map fills its place without being stretched, and y points up", () => {
  const fitted = fitPoints(Float32Array.of(0, 0, 4, 2), 220, 220, 10);
  assert.deepEqual([...fitted], [10, 160, 210, 60]);
});

test("equal points stand in the middle", () => {
  assert.deepEqual([...fitPoints(Float32Array.of(3, 3, 3, 3), 100, 60, 10)], [50, 30, 50, 30]);
});

test("between two maps points go straight, slowly at both ends", () => {
  const out = new Float32Array(2);
  mixPoints(Float32Array.of(0, 10), Float32Array.of(10, 20), 0.5, out);
  assert.deepEqual([...out], [5, 15]);
  assert.deepEqual([ease(0), ease(0.5), ease(1)], [0, 0.5, 1]);
});

test("a digit's figure stands at the median of its points", () => {
  const centres = labelCentres(Float32Array.of(1, 1, 2, 5, 90, 3, 7, 7), Uint8Array.of(4, 4, 4, 9));
  assert.deepEqual([centres[4], centres[9], centres[0]], [{ x: 2, y: 3 }, { x: 7, y: 7 }, null]);
});

test("the next wrong image goes round the end and leaves out digits that are switched off", () => {
  const [labels, predicted] = [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(1, 7, 3, 9)];
  assert.equal(nextWrong(labels, predicted, new Set(), 1, 1), 3);
  assert.equal(nextWrong(labels, predicted, new Set(), 3, 1), 1);
  assert.equal(nextWrong(labels, predicted, new Set(), 1, -1), 3);
  assert.equal(nextWrong(labels, predicted, new Set([4]), 1, 1), 1);
  assert.equal(nextWrong(labels, labels, new Set(), 1, 1), null);
});

/** @param {Set<number>} hidden */
const shown = (hidden) => [...Array(10).keys()].filter((digit) => !hidden.has(digit));

test("a click shows a digit alone, further ones add to it and take away", () => {
  const four = clickDigit(new Set(), 4);
  assert.deepEqual(shown(four), [4]);
  const both = clickDigit(four, 9);
  assert.deepEqual(shown(both), [4, 9]);
  assert.deepEqual(shown(clickDigit(both, 4)), [9]);
});

test("a click on the only digit shows all again", () => {
  assert.equal(clickDigit(clickDigit(new Set(), 4), 4).size, 0);
});
