import assert from "node:assert/strict";
import { test } from "node:test";

import { RunSeries } from "../../../feed/client/series.js";
import { bestEvaluation, meanBand, subtractLine } from "./differences.js";

/** @import { Split } from "../../lib/types" */

/** @param {...[split: Split, step: number, loss: number|null, accuracy: number]} evaluations */
function seriesWith(...evaluations) {
  const series = new RunSeries(1, 0);
  for (const [split, step, loss, accuracy] of evaluations) {
    series.addEvaluation({ run: 1, attempt: 1, epoch: 1, confusion: [], split, step, loss, accuracy });
  }
  return series;
}

test("a difference is taken at the same x, between the baseline's points too", () => {
  const line = { x: [5, 10, 20], y: [1, 2, 3] };
  assert.deepEqual(subtractLine(line, { x: [0, 10], y: [0, 1] }), { x: [5, 10, 20], y: [0.5, 1, null] });
});

test("where a value is missing there is no difference", () => {
  assert.deepEqual(subtractLine({ x: [0, 1], y: [null, 2] }, { x: [0, 1], y: [1, null] }).y, [null, null]);
});

test("a band is the mean of its lines and one sample standard deviation to each side", () => {
  const { x, mean, low, high } = meanBand([{ x: [0, 10], y: [1, 3] }, { x: [0, 5, 10], y: [3, 4, 5] }]);
  assert.deepEqual(x, [0, 5, 10]);
  assert.deepEqual(mean, [2, 3, 4]);
  assert.deepEqual(low.map((value) => value?.toFixed(4)), [2, 3, 4].map((value) => (value - Math.SQRT2).toFixed(4)));
  assert.deepEqual(high.map((value) => value?.toFixed(4)), [2, 3, 4].map((value) => (value + Math.SQRT2).toFixed(4)));
});

test("where only one line goes on there is no band", () => {
  const { mean, low } = meanBand([{ x: [0, 10, 20], y: [1, 1, 1] }, { x: [0, 10], y: [1, 1] }]);
  assert.deepEqual(mean, [1, 1, null]);
  assert.deepEqual(low, [1, 1, null]);
});

test("the best evaluation is on validation if there is any", () => {
  const series = seriesWith(
    ["validation", 10, 0.3, 0.9], ["validation", 20, 0.2, 0.95], ["validation", 30, 0.4, 0.95], ["test", 30, 0.1, 0.99],
  );
  assert.equal(bestEvaluation(series, "accuracy")?.step, 20);
  assert.equal(bestEvaluation(series, "loss")?.value, 0.2);
});

test("without validation it is on test, and other quantities have none", () => {
  const series = seriesWith(["test", 10, null, 0.9], ["test", 20, 0.5, 0.8]);
  assert.equal(bestEvaluation(series, "accuracy")?.step, 10);
  assert.equal(bestEvaluation(series, "loss")?.step, 20);
  assert.equal(bestEvaluation(series, "lr"), null);
  assert.equal(bestEvaluation(seriesWith(), "loss"), null);
});
