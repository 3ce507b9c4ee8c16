import assert from "node:assert/strict";
import { test } from "node:test";

import { CHART_FIELDS } from "#tests/fixtures.js";

import { FIELDS, formatDifference, isSmoothed } from "./fields.js";

test("there is a field for every one that Python asks for", () => {
  assert.deepEqual(Object.keys(FIELDS), CHART_FIELDS);
});

test("everything but the learning rate is smoothed", () => {
  assert.deepEqual(CHART_FIELDS.filter((field) => !isSmoothed(field)), ["lr"]);
});

test("differences have a sign", () => {
  assert.equal(formatDifference("accuracy", 0.01), "+1.00\u202f%");
  assert.equal(formatDifference("loss", -0.5), "−0.5000");
  assert.equal(formatDifference("examples_per_second", 0), "±0");
  assert.equal(formatDifference("lr", null), "–");
});

test("learning rates are written with four digits at most", () => {
  assert.equal(FIELDS.lr.format(0.0123456), "0.01235");
});
