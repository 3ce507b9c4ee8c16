import assert from "node:assert/strict";
import { test } from "node:test";

import { countMatrix, describeChoice, describeNone, readChoice, selectImages, writeChoice } from "./selection.js";

const LABELS = Uint8Array.of(9, 9, 4, 9, 9);
const PREDICTED = Uint8Array.of(4, 4, 4, 9, 3);

/** @param {number[]} sureness of the answer to each image, in 255ths */
function answersWith(sureness) {
  const levels = new Uint8Array(50);
  sureness.forEach((level, image) => { levels[10 * image + PREDICTED[image]] = level; });
  return { predicted: PREDICTED, levels };
}

const ANSWERS = answersWith([100, 250, 255, 255, 90]);

test("rows of the matrix are true digits, columns are answers", () => {
  const matrix = countMatrix(LABELS, PREDICTED);
  assert.equal(matrix[9][4], 2);
  assert.equal(matrix[4][9], 0);
  assert.equal(matrix.flat().reduce((a, b) => a + b, 0), 5);
});

test("a cell, a digit or every mistake is chosen, the surest or the least sure first", () => {
  assert.deepEqual(selectImages({ label: 9, predicted: 4 }, LABELS, ANSWERS, "confident"), [1, 0]);
  assert.deepEqual(selectImages({ label: 9, predicted: 4 }, LABELS, ANSWERS, "uncertain"), [0, 1]);
  assert.deepEqual(selectImages({ label: 9, predicted: null }, LABELS, ANSWERS, "confident"), [1, 0, 4]);
  assert.deepEqual(selectImages({ label: null, predicted: null }, LABELS, ANSWERS, "uncertain"), [4, 0, 1]);
  assert.deepEqual(selectImages({ label: 9, predicted: 9 }, LABELS, ANSWERS, "confident"), [3]);
});

test("images that the network is equally sure of keep the order of the dataset", () => {
  const answers = answersWith([7, 7, 7, 7, 7]);
  assert.deepEqual(selectImages({ label: 9, predicted: null }, LABELS, answers, "confident"), [0, 1, 4]);
});

test("a random order is the same each time, and holds each image once", () => {
  const labels = new Uint8Array(1000).fill(9);
  const answers = { predicted: new Uint8Array(1000).fill(4), levels: null };
  const once = selectImages({ label: 9, predicted: 4 }, labels, answers, "random");
  assert.deepEqual(once, selectImages({ label: 9, predicted: 4 }, labels, answers, "random"));
  assert.notDeepEqual(once, [...once].sort((a, b) => a - b));
  assert.equal(new Set(once).size, 1000);
});

test("without probabilities the images keep the order of the dataset", () => {
  const answers = { predicted: PREDICTED, levels: null };
  assert.deepEqual(selectImages({ label: 9, predicted: null }, LABELS, answers, "confident"), [0, 1, 4]);
});

test("a choice is written into the address and read from it", () => {
  for (const text of ["9-4", "9", ""]) assert.equal(writeChoice(readChoice(text)), text);
  for (const text of ["10-4", "-", "9-", "x"]) assert.deepEqual(readChoice(text), { label: null, predicted: null });
});

test("a choice is named, also where there is nothing", () => {
  assert.equal(describeChoice(readChoice("9-4")), "9 read as 4");
  assert.equal(describeChoice(readChoice("9-9")), "9 read right");
  assert.equal(describeChoice(readChoice("")), "All mistakes");
  assert.equal(describeNone(readChoice("4-9")), "No 4 is read as 9 at this step.");
  assert.equal(describeNone(readChoice("4")), "No 4 is read wrong at this step.");
});
