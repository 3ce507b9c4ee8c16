import assert from "node:assert/strict";
import { test } from "node:test";

import { RUN_COLORS } from "./constants.js";
import { colorAt, contrast, luminance, parseColor, readableInk, runDash } from "./theme.js";

test("colours are read as style sheets write them", () => {
  assert.deepEqual(parseColor("#0a3"), [0, 170, 51]);
  assert.deepEqual(parseColor(" #0072B2 "), [0, 114, 178]);
  assert.deepEqual(parseColor("rgb(1, 2, 3)"), [1, 2, 3]);
  assert.deepEqual(parseColor("rgba(1 2 3 / 0.5)"), [1, 2, 3]);
  assert.equal(parseColor("red"), null);
  assert.equal(parseColor(""), null);
});

test("contrast is that of WCAG 2", () => {
  assert.equal(luminance([0, 0, 0]), 0);
  assert.equal(contrast([255, 255, 255], [0, 0, 0]), 21);
  assert.equal(contrast([0x77, 0x77, 0x77], [255, 255, 255]).toFixed(2), "4.48");
});

test("text on a cell is the more readable of black and white", () => {
  assert.equal(readableInk([3, 54, 90]), "#FFFFFF");
  assert.equal(readableInk([163, 201, 227]), "#000000");
});

test("a scale is interpolated between its stops and cut off at its ends", () => {
  const scale = ["#000000", "#ffffff", "#ff0000"];
  assert.deepEqual([-1, 0, 0.25, 0.5, 1, 2].map((position) => colorAt(scale, position)), [
    [0, 0, 0], [0, 0, 0], [128, 128, 128], [255, 255, 255], [255, 0, 0], [255, 0, 0],
  ]);
});

test("runs past the last colour get another line", () => {
  assert.equal(runDash(0), "solid");
  assert.equal(runDash(RUN_COLORS - 1), "solid");
  assert.equal(runDash(RUN_COLORS), "dash");
});
