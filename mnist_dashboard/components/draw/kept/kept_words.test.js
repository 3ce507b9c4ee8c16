import assert from "node:assert/strict";
import { test } from "node:test";

import { describeDrawing, describeScores } from "./kept_words.js";

const DRAWINGS = [{ id: 1, name: "", label: 4, image: "" }, { id: 2, name: "mine", label: 9, image: "" }];
const JUDGES = [{ id: 7, name: "run-7" }, { id: 6, name: "run-6" }];
const READINGS = [{ run: 7, digits: { 1: 4, 2: 4 } }, { run: 6, problem: "Its weights are gone." }];

test("every run says how many it reads right, or why it cannot", () => {
  assert.equal(describeScores(JUDGES, DRAWINGS, READINGS), "Read right: run-7 1 of 2. run-6: Its weights are gone.");
  const both = [READINGS[0], { run: 6, digits: { 1: 4, 2: 9 } }];
  assert.equal(describeScores(JUDGES, DRAWINGS, both), "Read right: run-7 1 of 2, run-6 2 of 2.");
  assert.equal(describeScores(JUDGES, DRAWINGS, [READINGS[1]]), "run-6: Its weights are gone.");
  assert.equal(describeScores(JUDGES, DRAWINGS, []), "");
  assert.equal(describeScores(JUDGES, [], READINGS), "");
});

test("a drawing that is read wrong says as what", () => {
  assert.deepEqual(describeDrawing(DRAWINGS[0], READINGS[0]), { text: "4", isWrong: false });
  assert.deepEqual(describeDrawing(DRAWINGS[1], READINGS[0]), { text: "9 → 4", isWrong: true });
  assert.deepEqual(describeDrawing(DRAWINGS[1], READINGS[1]), { text: "9", isWrong: false });
});
