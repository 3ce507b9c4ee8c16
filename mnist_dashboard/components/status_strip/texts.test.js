import assert from "node:assert/strict";
import { test } from "node:test";

import { makeRun } from "#tests/factories.js";

import { CELLS, cellTexts, detailOf, hasNoValidation, secondsLeft } from "./texts.js";

const idle = { epochs: 3, total_steps: 2_532, detail: "MNIST" };

test("without a run the strip shows the run that the settings would start", () => {
  const texts = cellTexts(null, idle, undefined, null, null);
  assert.deepEqual(texts.slice(0, 3), [["0", "/ 3"], ["0", "/ 2\u202f532"], ["–"]]);
  assert.equal(texts.length, CELLS.length);
  assert.equal(detailOf(null, idle), "MNIST");
});

test("a running run is shown in numbers", () => {
  const run = makeRun({ status: "running", step: 844, epoch: 1, loss: 0.0767, accuracy: 0.97, examples_per_second: 5_512.4 });
  assert.deepEqual(cellTexts(run, null, undefined, 61, 122), [
    ["1", "/ 3"], ["844", "/ 2\u202f532"], ["0.07670"], ["97.00\u202f%"], ["97.50\u202f%"], ["5\u202f512", "img/s"], ["1:01"], ["2:02"],
  ]);
});

test("a paused run has no speed, a diverged one no loss", () => {
  assert.deepEqual(cellTexts(makeRun({ status: "paused" }), null, undefined, 1, 1)[5], ["–", ""]);
  assert.deepEqual(cellTexts(makeRun({ status: "diverged", loss: null }), null, undefined, 1, null)[2], ["NaN"]);
});

test("numbers of a running run that are missing are marked as missing", () => {
  const missing = { loss: null, accuracy: null, validation_accuracy: null, examples_per_second: null, elapsed_seconds: null };
  const texts = cellTexts(makeRun({ status: "running", ...missing }), null, undefined, null, null).slice(2);
  assert.deepEqual(texts.map(([text]) => text), ["–", "–", "–", "–", "–", "–"]);
});

test("a run without validation shows its test accuracy in the place of that, and once it is over in the last cell", () => {
  const run = makeRun({ status: "running", validation_images: 0, validation_accuracy: null, test_accuracy: 0.9 });
  assert(hasNoValidation(run));
  assert.deepEqual(cellTexts(run, null, undefined, 1, null)[4], ["90.00\u202f%"]);
  const over = cellTexts({ ...run, status: "completed" }, null, undefined, 1, null);
  assert.deepEqual([over[4], over.at(-1)], [["–"], ["90.00\u202f%"]]);
  assert(!hasNoValidation(makeRun({ train_images: 0, validation_images: 0 })));
});

test("the time left follows from the speed so far", () => {
  assert.equal(secondsLeft(makeRun({ status: "running", step: 500, total_steps: 2_000 }), 10), 30);
  assert.equal(secondsLeft(makeRun({ status: "completed" }), 10), null);
  assert.equal(secondsLeft(makeRun({ status: "running", step: 0 }), 10), null);
});

test("the detail is the dataset", () => {
  assert.equal(detailOf(makeRun({ notice: "Downloading" }), null), "mnist, 54\u202f000 train, 6\u202f000 validation");
  assert.equal(detailOf(makeRun({ status: "queued", dataset: "", train_images: 0, validation_images: 0 }), null), "");
});

test("the last cell shows the time left, and the test result once the run is over", () => {
  const running = makeRun({ status: "running", test_accuracy: 0.9831 });
  assert.deepEqual(cellTexts(running, null, undefined, 61, 122).at(-1), ["2:02"]);
  assert.deepEqual(cellTexts({ ...running, status: "completed" }, null, undefined, 61, null).at(-1), ["98.31\u202f%"]);
  assert.deepEqual(cellTexts({ ...running, status: "stopped", test_accuracy: null }, null, undefined, 61, null).at(-1), ["–"]);
});
