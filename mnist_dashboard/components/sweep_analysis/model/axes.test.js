import assert from "node:assert/strict";
import { test } from "node:test";
import { linearTicks, logTicks, parameterAxis, resultAxis, valueText } from "./axes.js";

const LR = { name: "lr", label: "Learning rate", low: 0.001, high: 1, log: true, values: null };
const MOMENTUM = { name: "momentum", label: "Momentum", low: 0.5, high: 0.95, log: false, values: null };
const BATCH = { name: "batch_size", label: "Batch size", low: null, high: null, log: false, values: [32, 64, 128] };
const OPTIMIZER = { name: "optimizer", label: "Optimizer", low: null, high: null, log: false, values: ["sgd", "adam"] };

const near = (/** @type {number} */ a, /** @type {number} */ b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

test("a logarithmic range has equal ratios at equal distances", () => {
  const axis = parameterAxis(LR);
  near(axis.placeOf(0.001), 0);
  near(axis.placeOf(0.01), 1 / 3);
  near(axis.placeOf(1), 1);
  assert.deepEqual(axis.ticks.map(([, text]) => text), ["0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "1"]);
  assert.equal(axis.textAt(1 / 3), "0.01");
  assert.equal(axis.bins, null);
});

test("a linear range has equal differences at equal distances, and values beyond it lie at its ends", () => {
  const axis = parameterAxis(MOMENTUM);
  near(axis.placeOf(0.725), 0.5);
  assert.deepEqual([axis.placeOf(0), axis.placeOf(1)], [0, 1]);
  assert.deepEqual(axis.ticks.map(([, text]) => text), ["0.5", "0.6", "0.7", "0.8", "0.9"]);
});

test("values of a list lie at equal distances in the middle of their bins", () => {
  const axis = parameterAxis(BATCH);
  assert.deepEqual(axis.ticks, [[0.5 / 3, "32"], [1.5 / 3, "64"], [2.5 / 3, "128"]]);
  assert.equal(axis.bins, 3);
  near(axis.placeOf(64), 0.5);
  assert.equal(axis.textAt(0.9), "128");
  assert.deepEqual(parameterAxis(OPTIMIZER).ticks.map(([, text]) => text), ["SGD", "Adam"]);
});

test("values are written for people", () => {
  assert.deepEqual([valueText("save_model", true), valueText("lr", 0.0123456), valueText("optimizer", "adam")], ["Yes", "0.01235", "Adam"]);
});

test("results far behind share the foot of the axis, which says so", () => {
  const results = [0.97, 0.972, 0.975, 0.978, 0.98, 0.1];
  const axis = resultAxis("accuracy", results);
  near(axis.placeOf(0.98), 1);
  assert.equal(axis.placeOf(0.1), 0);
  assert.ok(axis.placeOf(0.97) > 0.1);
  assert.deepEqual(axis.ticks[0], [0, "lower"]);
  assert.ok(axis.ticks.slice(1).every(([place, text]) => place > 0.05 && text.endsWith("%")));
});

test("the best is on top with every objective", () => {
  const loss = resultAxis("loss", [0.1, 0.2, 0.3]);
  assert.ok(loss.placeOf(0.1) > loss.placeOf(0.2));
  assert.equal(loss.placeOf(0.1), 1);
  const time = resultAxis("time", [30, 40, 50, 60, 3000]);
  assert.equal(time.ticks[0][1], "later");
  assert.ok(time.ticks.some(([, text]) => text === "0:40"));
});

test("equal results, and none, have an axis", () => {
  assert.deepEqual(resultAxis("accuracy", [0.9, 0.9]).ticks, [[1, "90.00\u202f%"]]);
  assert.equal(resultAxis("accuracy", [0.9, 0.9]).placeOf(0.9), 1);
  assert.equal(resultAxis("loss", []).ticks.length, 1);
});

test("ticks are round, and few", () => {
  assert.deepEqual(linearTicks(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(linearTicks(16, 256), [50, 100, 150, 200, 250]);
  assert.deepEqual(logTicks(16, 256), [20, 50, 100, 200]);
  assert.deepEqual(logTicks(1e-8, 1).length, 9);
  assert.deepEqual(logTicks(0.0123, 0.0174), [0.013, 0.014, 0.015, 0.016, 0.017]);
});
