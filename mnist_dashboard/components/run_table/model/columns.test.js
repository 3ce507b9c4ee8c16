import assert from "node:assert/strict";
import { test } from "node:test";

import { makeRun } from "#tests/factories.js";

import { METRICS, SETTINGS } from "../../lib/constants.js";
import {
  COLUMNS, bestValues, columnOf, comparator, describeBest, formatDifference, formatMeanInterval, formatSize, summarize,
} from "./columns.js";

/** @param {string} key */
function column(key) {
  const found = columnOf(key);
  assert(found, key);
  return found;
}

/** @param {string} key @param {Parameters<typeof makeRun>[0]} fields */
const cell = (key, fields) => column(key).format(column(key).value(makeRun(fields)));

test("every setting has a column with its label", () => {
  for (const [key, { label }] of Object.entries(SETTINGS)) assert.equal(column(key).title, label);
});

test("every metric but the latest validation has a column", () => {
  const metrics = COLUMNS.filter(({ metric }) => metric).map(({ key }) => key);
  assert.deepEqual(metrics.toSorted(), Object.keys(METRICS).filter((key) => key !== "validation_accuracy").toSorted());
});

test("the keys are unique, as addresses name columns by them", () => {
  assert.equal(new Set(COLUMNS.map(({ key }) => key)).size, COLUMNS.length);
});

test("the columns keep their order", () => {
  const usual = COLUMNS.filter((each) => each.usual).map(({ key }) => key);
  assert.deepEqual(usual.slice(0, 6), ["name", "status", "test_accuracy", "best_validation_accuracy", "test_loss", "dataset"]);
  assert.deepEqual(usual.slice(-3), ["own_digits", "parent", "tags"]);
});

test("runs are sorted by how many kept drawings they read right, once some run has read them", () => {
  const runs = ["9 of 12", "10 of 12", undefined].map((digits) => ({ ...makeRun({}), own_digits: digits }));
  assert.deepEqual(runs.toSorted(comparator(column("own_digits"), -1)).map((run) => run.own_digits), ["10 of 12", "9 of 12", undefined]);
  assert.equal(column("own_digits").optional, true);
});

test("values are written for people", () => {
  assert.equal(cell("status", {}), "Finished");
  assert.equal(cell("model", { settings: { model: "mlp" } }), "MLP");
  assert.equal(cell("model", { settings: { model: "tiny.py:Tiny@3f2a9c1d04b7" } }), "Tiny (tiny.py, 3f2a9c1d)");
  assert.equal(cell("optimizer", { settings: { optimizer: "sgd" } }), "SGD");
  assert.equal(cell("save_model", { settings: { save_model: false } }), "No");
  assert.equal(cell("lr", { settings: { lr: 0.1 } }), "0.1");
  assert.equal(cell("test_accuracy", { test_accuracy: 0.98765 }), "98.77\u202f%");
  assert.equal(cell("elapsed_seconds", { elapsed_seconds: 61 }), "1:01");
  assert.equal(cell("notes", { notes: "first line\nsecond" }), "first line");
  assert.equal(cell("tags", { tags: ["a", "b"] }), "a, b");
});

test("what a run does not have is a dash", () => {
  assert.equal(cell("test_accuracy", { test_accuracy: null }), "–");
  assert.equal(cell("elapsed_seconds", { step: 0, elapsed_seconds: 0 }), "–");
  assert.equal(cell("examples_per_second", { examples_per_second: 0 }), "–");
  assert.equal(cell("dataset", { dataset: "" }), "–");
  assert.equal(cell("parent", {}), "–");
});

/** @param {string} key @param {1|-1} direction @param {Parameters<typeof makeRun>[0][]} fields */
const sortedIds = (key, direction, fields) => fields.map(makeRun).sort(comparator(column(key), direction)).map(({ id }) => id);

test("names are sorted as people count", () => {
  const runs = [{ id: 1, name: "run-10" }, { id: 2, name: "run-9" }];
  assert.deepEqual(sortedIds("name", 1, runs), [2, 1]);
});

test("runs without a value come last in both directions", () => {
  const runs = [{ id: 1, test_loss: null }, { id: 2, test_loss: 0.2 }, { id: 3, test_loss: 0.1 }];
  assert.deepEqual(sortedIds("test_loss", 1, runs), [3, 2, 1]);
  assert.deepEqual(sortedIds("test_loss", -1, runs), [2, 3, 1]);
});

test("the best value is that of a dataset, where there is something to compare", () => {
  const runs = [
    makeRun({ id: 1, dataset: "mnist", test_loss: 0.2, test_accuracy: 0.9 }),
    makeRun({ id: 2, dataset: "mnist", test_loss: 0.1, test_accuracy: 0.8 }),
    makeRun({ id: 3, dataset: "kmnist", test_loss: 0.01, test_accuracy: 0.99 }),
    makeRun({ id: 4, dataset: "mnist", test_loss: null, test_accuracy: null }),
  ];
  assert.deepEqual([...bestValues(column("test_loss"), runs)], [["mnist", 0.1]]);
  assert.deepEqual([...bestValues(column("test_accuracy"), runs)], [["mnist", 0.9]]);
});

test("differences have a sign, and shares are compared in percentage points", () => {
  assert.equal(formatDifference(column("test_accuracy"), 0.98, 0.975), "+0.50");
  assert.equal(formatDifference(column("test_loss"), 0.05, 0.0623), "−0.012");
  assert.equal(formatDifference(column("examples_per_second"), 5_000, 3_500), "+1\u202f500");
  assert.equal(formatDifference(column("test_loss"), 0.05, 0.05), "±0");
  assert.equal(formatDifference(column("test_loss"), null, 0.05), "");
  assert.equal(formatSize(column("test_loss"), 0.001234), "0.0012");
});

test("a group is summarized over the runs that have the metric", () => {
  const runs = [0.9, 0.92, null].map((accuracy, i) => makeRun({ id: i, test_accuracy: accuracy }));
  const summary = summarize(column("test_accuracy"), runs);
  assert.deepEqual([summary?.count, summary?.mean.toFixed(4), summary?.sd?.toFixed(6)], [2, "0.9100", "0.014142"]);
  assert.equal(summarize(column("test_accuracy"), runs.slice(0, 1))?.sd, null);
  assert.equal(summarize(column("test_accuracy"), runs.slice(2)), null);
});

test("the interval of a share ends at 0 and 100 %", () => {
  const accuracy = column("test_accuracy");
  assert.equal(formatMeanInterval(accuracy, 0.9871, 0.001), "±0.10");
  assert.equal(formatMeanInterval(accuracy, 0.998, 0.004), "99.40 to 100.00");
  assert.equal(formatMeanInterval(accuracy, 0.1, 0.2), "0.00 to 30.00");
  assert.equal(formatMeanInterval(column("test_loss"), 0.1, 0.2), "±0.2");
});

test("the best value is named for each dataset with several runs, never over several", () => {
  const runs = [
    makeRun({ id: 1, name: "a", dataset: "MNIST", test_accuracy: 0.9896 }),
    makeRun({ id: 2, name: "b", dataset: "MNIST", test_accuracy: 0.98 }),
    makeRun({ id: 3, name: "c", dataset: "MNIST-5k", test_accuracy: 0.91 }),
    makeRun({ id: 4, name: "d", dataset: "MNIST-5k", test_accuracy: 0.91 }),
    makeRun({ id: 5, name: "e", dataset: "KMNIST", test_accuracy: 0.999 }),
  ];
  assert.deepEqual(describeBest(column("test_accuracy"), runs), [
    "Best test accuracy on MNIST: 98.96\u202f% (a)",
    "Best test accuracy on MNIST-5k: 91.00\u202f% (c and 1 more)",
  ]);
});
