import assert from "node:assert/strict";
import { test } from "node:test";

import { parseNumber, stepped } from "./numbers.js";

const rate = { step: 0.001, low: 0.0001, high: 1, decimals: 0 };
const momentum = { step: 0.01, low: 0, high: 0.99, decimals: 2 };
const batchSize = { step: 1, low: 1, high: 1024, decimals: 0 };

test("a decimal comma and blanks between thousands are read", () => {
  assert.equal(parseNumber("0,05"), 0.05);
  assert.equal(parseNumber("1\u202f024"), 1024);
  assert.ok(Number.isNaN(parseNumber("fast")));
  assert.ok(Number.isNaN(parseNumber(" ")));
});

test("a step keeps the digits of the number and of the step", () => {
  assert.equal(stepped("0.01", 1, rate), "0.011");
  assert.equal(stepped("0,3", -1, rate), "0.299");
  assert.equal(stepped("0.50", 10, momentum), "0.60");
  assert.equal(stepped("0.0005", 1, { ...rate, step: 0.0001 }), "0.0006");
  assert.equal(stepped("1e-4", 1, { ...rate, step: 1e-7 }), "0.0001001");
});

test("a step stays within the range", () => {
  assert.equal(stepped("0.99", 1, momentum), "0.99");
  assert.equal(stepped("0.0001", -1, rate), "0.0001");
  assert.equal(stepped("64", 1000, batchSize), "1024");
  assert.equal(stepped("5000", -1, batchSize), "1024");
});

test("text that is not a number stays as it is", () => {
  assert.equal(stepped("fast", 1, rate), null);
});
