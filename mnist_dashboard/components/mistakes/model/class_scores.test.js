import assert from "node:assert/strict";
import { test } from "node:test";

import { averageScores, scoreClasses } from "./class_scores.js";

const EMPTY = Array.from({ length: 10 }, () => Array(10).fill(0));

/** @param {[label: number, predicted: number, images: number][]} cells */
function matrixOf(cells) {
  const matrix = EMPTY.map((row) => [...row]);
  for (const [label, predicted, images] of cells) matrix[label][predicted] = images;
  return matrix;
}

test("precision, recall and F1 follow from the counts", () => {
  const scores = scoreClasses(matrixOf([[9, 9, 8], [9, 4, 2], [4, 4, 9], [4, 9, 1]]));
  assert.deepEqual(scores[9], {
    precision: 8 / 9, recall: 8 / 10, f1: 16 / 19, images: 10, confusedWith: { digit: 4, images: 2 },
  });
  assert.equal(scores[4].recall, 0.9);
});

test("a digit without images or answers has no scores, and counts in no mean", () => {
  const scores = scoreClasses(matrixOf([[9, 9, 8], [9, 4, 2]]));
  assert.deepEqual(scores[0], { precision: null, recall: null, f1: null, images: 0, confusedWith: null });
  assert.deepEqual([scores[4].precision, scores[4].recall, scores[4].f1], [0, null, 0]);
  // as sklearn.metrics.precision_recall_fscore_support with the labels that occur, here 4 and 9
  assert.deepEqual(averageScores(scores, "recall"), { macro: 0.4, weighted: 0.8 });
  assert.deepEqual(averageScores(scoreClasses(EMPTY), "f1"), { macro: null, weighted: null });
});
