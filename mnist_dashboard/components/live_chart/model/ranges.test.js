import assert from "node:assert/strict";
import { test } from "node:test";

import { RunSeries } from "../../../feed/client/series.js";
import { accuracyFloor, accuracyRange, logTicks, lossRange, paddedRange } from "./ranges.js";

/** @param {number[]} losses @param {number[]} [accuracies] */
function seriesOf(losses, accuracies = losses.map(() => 0.9)) {
  const series = new RunSeries(1, 0);
  const rest = losses.map(() => 1);
  const numbers = { accuracy: accuracies, examples_per_second: rest, lr: rest, elapsed_seconds: rest };
  series.append({ run: 1, attempt: 1, first: 1, loss: losses, ...numbers, matrix: null, matrix_batches: 100 });
  return series;
}

/** @param {number[]} accuracies */
const withAccuracies = (accuracies) => seriesOf(accuracies.map(() => 1), accuracies);

test("the loss axis spans 0.01 to 4 and widens in round steps", () => {
  assert.deepEqual(lossRange([seriesOf([2, 0.05])], true, false), [-2, Math.log10(4)]);
  assert.deepEqual(lossRange([seriesOf([9, 0.0021])], true, false), [Math.log10(0.002), 1]);
  assert.deepEqual(lossRange([], true, false), [-2, Math.log10(4)]);
});

test("a single batch that is all correct does not stretch the logarithmic axis to the bottom", () => {
  const [bottom] = lossRange([{ ...seriesOf([0.5, 0.1]), loss: { low: [1e-9], high: [0.5], smooth: [0.1] } }].map(asSeries), true, true);
  assert.equal(bottom, Math.log10(0.005));
});

/** @param {object} series */
const asSeries = (series) => Object.assign(new RunSeries(1, 0), series);

test("the linear loss axis starts at zero", () => {
  assert.deepEqual(lossRange([seriesOf([2, 1])], false, false), [0, 2.1]);
  assert.deepEqual(lossRange([], false, true), [0, 2.5]);
});

test("other lines get what they span and some room", () => {
  assert.deepEqual(paddedRange([[1, null, 2]], false), [0.94, 2.06]);
  assert.deepEqual(paddedRange([[5, 5]], false), [4.7, 5.3]);
  assert.deepEqual(paddedRange([[0, 10, 1000]], true), [0.9, 3.1]);
  assert.deepEqual(paddedRange([[null]], false), [0, 1]);
  assert.deepEqual(paddedRange([], true), [-1, 0]);
});

test("ticks of a logarithmic axis thin out over many decades", () => {
  assert.equal(logTicks([-2, 0.6]), "D2");
  assert.equal(logTicks([-10, 6]), 2);
});

test("the accuracy axis starts where good runs are for most of their course", () => {
  const good = withAccuracies([0.1, ...Array(20).fill(0.95)]);
  const medium = withAccuracies([0.1, ...Array(20).fill(0.7)]);
  assert.equal(accuracyFloor([good], undefined), 0.8);
  assert.equal(accuracyFloor([good, medium], undefined), 0.5);
  assert.equal(accuracyFloor([withAccuracies([0.1, 0.2])], undefined), 0);
  assert.equal(accuracyFloor([], undefined), 0.8);
});

test("the start in force is kept unless there is a clear reason to change it", () => {
  const series = withAccuracies([...Array(9).fill(0.1), ...Array(11).fill(0.95)]); // 55 % of its course above 0.8
  assert.equal(accuracyFloor([series], undefined), 0);
  assert.equal(accuracyFloor([series], 0.8), 0.8);
});

test("a line at 100 % is not cut off", () => {
  assert(accuracyRange(0.8)[1] > 1);
  assert.deepEqual(accuracyRange(0), [0, 1.01]);
});
