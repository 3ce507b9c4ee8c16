import assert from "node:assert/strict";
import { test } from "node:test";

import { CURVE_CASES, RECONNECTIONS, SERIES } from "#tests/fixtures.js";

import { CURVES, MAX_BUCKETS, RECENT_BATCHES } from "../../components/lib/constants.js";
import { RunSeries } from "./series.js";

/** @import { EvaluationMessage, StepsMessage } from "../../components/lib/types" */

const { history, steps, smoothed, smoothing } = structuredClone(SERIES);

function loadedSeries() {
  const series = new RunSeries(7, smoothing);
  series.replace(structuredClone(history), smoothing);
  return series;
}

/** @param {number} first @param {(number|null)[]} losses @returns {StepsMessage} */
function message(first, losses) {
  const rest = losses.map(() => 1);
  const numbers = { accuracy: rest, examples_per_second: rest, lr: rest, elapsed_seconds: rest };
  return { run: 7, attempt: 1, first, loss: losses, ...numbers, matrix: null, matrix_batches: 100 };
}

/** @param {Partial<EvaluationMessage>} fields @returns {EvaluationMessage} */
const evaluation = (fields) => ({ run: 7, attempt: 1, step: 5, epoch: 1, split: "test", loss: 1, accuracy: 0.5, confusion: [], ...fields });

/** @param {number|null} actual @param {number} expected */
function assertClose(actual, expected) {
  assert(actual !== null && Math.abs(actual - expected) <= 2e-5 * Math.abs(expected), `${actual} is not ${expected}`);
}

/**
 * Compares numbers within a tolerance, and the places without one exactly.
 * @param {(number|null)[]} actual @param {(number|null)[]} expected @param {number} tolerance
 */
function assertSameValues(actual, expected, tolerance) {
  assert.deepEqual(actual.map((value) => value === null), expected.map((value) => value === null));
  expected.forEach((value, i) => {
    const difference = Math.abs((actual[i] ?? 0) - (value ?? 0));
    assert(difference <= Math.max(tolerance, 2e-5 * Math.abs(value ?? 0)), `${actual[i]} is not ${value}, at index ${i}`);
  });
}

test("smoothing carries on from the server's history as the server would", () => {
  const series = loadedSeries();
  assert(series.append(steps));
  assert.equal(series.step, history.step + steps.loss.length);
  for (const field of CURVES) assertClose(series.smoothed(field), smoothed[field]);
});

test("new buckets are as wide as those of the history", () => {
  const series = loadedSeries();
  const before = series.x.length;
  series.append(steps);
  const added = series.x.slice(before, -1); // the last one may not be full
  assert.equal(series.bucketSize, 3);
  assert.deepEqual([...new Set(added.slice(1).map((x, i) => x - added[i]))], [3]);
  assert.equal(series.x.at(-1), series.step);
});

test("a batch whose loss is NaN is a gap and leaves the average alone", () => {
  const series = new RunSeries(7, 0.5);
  series.append(message(1, [1, null, 3]));
  assert.deepEqual(series.loss.smooth, [1, null, (0.5 * 0.5 + 0.5 * 3) / (1 - 0.5 ** 2)]);
});

for (const { smoothing: weight, parts, smooth } of structuredClone(RECONNECTIONS)) {
  test(`curves are those of TensorBoard however often the browser reconnects, smoothing ${weight}`, () => {
    const series = new RunSeries(7, weight);
    for (const { history: from, steps: further } of parts) {
      series.replace(from, weight);
      assert(series.append(further));
    }
    assertSameValues(series.loss.smooth, smooth, 1e-5);
  });
}

for (const run of structuredClone(CURVE_CASES)) {
  test(`live curves equal the history of the same steps: ${run.name}`, () => {
    const series = new RunSeries(7, run.smoothing);
    series.replace(run.history, run.smoothing);
    for (const each of run.messages) assert(series.append(each));
    assert.deepEqual(series.x, run.x);
    assertSameValues(series.lr, run.lr, 1e-5);
    for (const part of /** @type {const} */ (["low", "high", "smooth"])) {
      assertSameValues(series.loss[part], run.loss[part], run.tolerance);
    }
  });
}

test("buckets that are merged keep what is left of a value that is missing in one of them", () => {
  const series = new RunSeries(7, 0);
  series.append(message(1, Array.from({ length: 4 * MAX_BUCKETS }, (_, i) => (i % 4 < 2 ? null : i % 4 === 2 ? 5 : null))));
  assert.equal(series.bucketSize, 2);
  assert.deepEqual(series.loss.smooth.slice(0, 4), [null, 5, null, 5]);
  assert.deepEqual(series.loss.low.slice(0, 4), [null, 5, null, 5]);
});

test("the mean of the last batches carries on from the history and does not depend on the smoothing", () => {
  const means = [0, 0.9].map((weight) => {
    const series = new RunSeries(7, weight);
    series.replace(structuredClone(history), weight);
    series.append(structuredClone(steps));
    return series.recentMean("loss");
  });
  const last = steps.loss.slice(-RECENT_BATCHES).map(Number);
  assert.deepEqual(means, [meanOf(last), meanOf(last)]);
});

test("early in a run the mean is over fewer batches, and a batch without a value does not count", () => {
  const series = new RunSeries(7, 0.95);
  assert.equal(series.recentMean("loss"), null);
  series.append(message(1, [9, 5]));
  assert.equal(series.recentMean("loss"), 5);
  series.append(message(3, [...Array(46).fill(9), 4, null, 2])); // 51 steps: the last three
  assert.equal(series.recentMean("loss"), 3);
});

/** @param {number[]} values */
const meanOf = (values) => values.reduce((a, b) => a + b, 0) / values.length;

test("steps already held are skipped and a gap is refused", () => {
  const series = new RunSeries(7, 0);
  assert(series.append(message(1, [4, 3])));
  assert(series.append(message(2, [99, 2])));
  assert.deepEqual(series.loss.smooth, [4, 3, 2]);
  assert(!series.append(message(5, [1])));
  assert(!series.append({ ...message(4, [1]), attempt: 2 }));
  assert.deepEqual(series.x, [1, 2, 3]);
});

test("a long run is reduced to a bounded number of buckets that keep every extreme", () => {
  const series = new RunSeries(7, 0);
  const losses = Array.from({ length: 4 * MAX_BUCKETS }, (_, i) => (i === 5_001 ? 50 : i === 5_002 ? 0.001 : 1 + (i % 7)));
  for (let first = 0; first < losses.length; first += 500) series.append(message(first + 1, losses.slice(first, first + 500)));
  assert(series.x.length <= 2 * MAX_BUCKETS);
  const { low, high, smooth } = series.loss;
  for (const values of [low, high, smooth, series.lr]) assert.equal(values.length, series.x.length);
  assert.equal(Math.max(...high.map(Number)), 50);
  assert.equal(Math.min(...low.map(Number)), 0.001);
  assert.equal(series.x.at(-1), losses.length);
  assert.equal(smooth.at(-1), losses.at(-1));
});

test("evaluations are kept by step, each once, and only those of this attempt", () => {
  const series = new RunSeries(7, 0);
  series.addEvaluation(evaluation({ step: 20 }));
  series.addEvaluation(evaluation({ step: 10, split: "validation" }));
  series.addEvaluation(evaluation({ step: 20, accuracy: 0.9 }));
  assert(!series.addEvaluation(evaluation({ step: 30, attempt: 2 })));
  assert.deepEqual(series.evaluations.map(({ step }) => step), [10, 20]);
  assert.deepEqual(series.evaluationsOf("test").map(({ accuracy }) => accuracy), [0.9]);
});

test("the matrix of the last batches is kept until a newer one comes", () => {
  const series = new RunSeries(7, 0);
  series.append({ ...message(1, [1]), matrix: [[1]] });
  series.append(message(2, [1]));
  assert.deepEqual(series.matrix, [[1]]);
});
