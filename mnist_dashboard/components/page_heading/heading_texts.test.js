import assert from "node:assert/strict";
import { test } from "node:test";

import { makeRun } from "#tests/factories.js";

import { headingText, windowTitle } from "./heading_texts.js";

/** @param {string} status */
const run = (status, step = 1_200) => makeRun({ id: 7, status, step, total_steps: 2_532 });

test("the heading names the page, the run and its state", () => {
  assert.equal(headingText("Train", run("running")), "Train: run-7, running");
  assert.equal(headingText("Train", run("completed")), "Train: run-7, finished");
  assert.equal(headingText("Runs", null), "Runs");
});

test("the title of the window says how far a run is", () => {
  assert.equal(windowTitle("Train", run("running")), "47\u202f% run-7");
  assert.equal(windowTitle("Train", run("running", 2_531)), "99\u202f% run-7");
  assert.equal(windowTitle("Train", run("paused")), "47\u202f% run-7 paused");
  assert.equal(windowTitle("Train", run("preparing")), "run-7 preparing");
  assert.equal(windowTitle("Train", run("queued")), "run-7 queued");
});

test("the title of the window says how a run has ended", () => {
  const titles = ["completed", "diverged", "stopped", "failed"].map((status) => windowTitle("Train", run(status)));
  assert.deepEqual(titles, ["run-7 finished", "run-7 diverged", "run-7 stopped", "run-7 failed"]);
});

test("without a run the title is the product's or the page's", () => {
  assert.deepEqual([windowTitle("Train", null), windowTitle("Runs", null)], ["MNIST Trainer", "Runs"]);
});
