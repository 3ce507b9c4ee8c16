import assert from "node:assert/strict";
import { test } from "node:test";

import { bestPoint, isolatedPoints } from "./curves.js";

/** @param {number} x @param {number} value @param {number} [count] */
const point = (x, value, count = 1) => ({ x, y: value, value, sd: null, count });

test("the best evaluation is on validation if there is any", () => {
  const evaluations = { validation: [point(10, 0.3), point(20, 0.2), point(30, 0.4)], test: [point(30, 0.1)] };
  assert.equal(bestPoint(evaluations, "loss")?.x, 20);
  assert.equal(bestPoint(evaluations, "accuracy")?.x, 30);
  assert.equal(bestPoint(evaluations, "accuracy")?.split, "validation");
});

test("of equally good evaluations the first is the best", () => {
  assert.equal(bestPoint({ validation: [point(10, 0.9), point(20, 0.95), point(30, 0.95)], test: [] }, "accuracy")?.x, 20);
});

test("without validation it is on test, and other quantities have none", () => {
  assert.equal(bestPoint({ validation: [], test: [point(10, 0.9), point(20, 0.8)] }, "accuracy")?.x, 10);
  assert.equal(bestPoint({ validation: [], test: [point(10, 0.9)] }, "lr"), null);
  assert.equal(bestPoint({ validation: [], test: [] }, "loss"), null);
});

test("of a group only evaluations of most of its runs can be the best", () => {
  assert.equal(bestPoint({ validation: [point(10, 0.9, 3), point(20, 0.8, 3), point(30, 0.99, 1)], test: [] }, "accuracy")?.x, 10);
});

test("points without neighbours are found", () => {
  assert.deepEqual(isolatedPoints({ x: [1], y: [5] }), { x: [1], y: [5] });
  assert.deepEqual(isolatedPoints({ x: [1, 2, 3, 4, 5, 6], y: [1, null, 2, null, 3, 4] }), { x: [1, 3], y: [1, 2] });
  assert.deepEqual(isolatedPoints({ x: [1, null, 3], y: [1, 2, 3] }), { x: [1, 3], y: [1, 3] });
  assert.deepEqual(isolatedPoints({ x: [1, 2], y: [1, 2] }), { x: [], y: [] });
});
