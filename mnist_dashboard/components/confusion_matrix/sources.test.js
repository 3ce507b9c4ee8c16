import assert from "node:assert/strict";
import { test } from "node:test";

import { defaultSource, listSources, shownSource } from "./sources.js";

/** @import { Evaluation, Matrix } from "../lib/types" */

/** @type {Matrix} */
const ONES = Array.from({ length: 10 }, () => Array(10).fill(1));
/** @param {"validation"|"test"} split @param {number} step @returns {Evaluation} */
const evaluation = (split, step) => ({ split, step, epoch: 1, loss: 0.1, accuracy: 0.9, confusion: ONES });

const FINISHED = {
  evaluations: [evaluation("validation", 844), evaluation("validation", 1688), evaluation("validation", 2532), evaluation("test", 2532)],
  matrix: ONES,
  matrixBatches: 100,
};
const AUTOMATIC = { key: null, kind: null };

/** @param {Parameters<typeof listSources>[0]} series */
const chips = (series) => listSources(series).map(({ chip }) => chip);

test("the newest of each kind comes first, then earlier evaluations, newest first", () => {
  assert.deepEqual(chips(FINISHED), ["Test", "Step 2\u202f532", "Live", "Step 1\u202f688", "Step 844"]);
  const classic = { ...FINISHED, evaluations: [evaluation("test", 844), evaluation("test", 1688)], matrix: null };
  assert.deepEqual(chips(classic), ["Test", "Test, step 844"]);
  assert.deepEqual(chips(undefined), []);
});

test("every matrix says which images it counts", () => {
  assert.deepEqual(listSources(FINISHED).slice(0, 3).map(({ label }) => label), [
    "100 test images, step 2\u202f532",
    "100 validation images, step 2\u202f532",
    "100 training images, last 100 batches",
  ]);
});

test("a run that has ended shows its test, one that trains its last batches", () => {
  const sources = listSources(FINISHED);
  assert.equal(defaultSource(sources, true)?.kind, "test");
  assert.equal(defaultSource(sources, false)?.kind, "live");
  assert.equal(defaultSource(listSources({ ...FINISHED, evaluations: FINISHED.evaluations.slice(0, 2) }), true)?.kind, "latest");
  assert.equal(defaultSource(listSources({ ...FINISHED, matrix: null }), false)?.kind, "latest");
  assert.equal(defaultSource([], true), null);
});

test("a chosen kind holds for every run that has it, and a chosen evaluation for its run", () => {
  const sources = listSources(FINISHED);
  assert.equal(shownSource(sources, true, { key: null, kind: "live" })?.kind, "live");
  assert.equal(shownSource(sources, true, { key: "validation:844", kind: "live" })?.chip, "Step 844");
  assert.equal(shownSource(sources, true, { key: "validation:999", kind: null })?.kind, "test");
  assert.equal(shownSource(listSources({ ...FINISHED, matrix: null }), true, { key: null, kind: "live" })?.kind, "test");
  assert.equal(shownSource(sources, false, AUTOMATIC)?.kind, "live");
});
