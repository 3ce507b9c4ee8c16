import assert from "node:assert/strict";
import { test } from "node:test";

import { describeCalibration, describeKept } from "./certainty_texts.js";

/** @param {number} confidence @param {number} accuracy @param {number} images */
const bin = (confidence, accuracy, images) => ({ from: 0, to: 1, images, confidence, accuracy });
/** @param {string} sure @param {string} right @param {string} side */
const mean = (sure, right, side) => (
  `On average it is ${sure}\u202f% sure and right in ${right}\u202f%${side}. By certainty it is off by 10.0 points (ECE).`);
const EMPTY = { from: 0, to: 1, images: 0, confidence: null, accuracy: null };

test("a network is too sure, not sure enough, or neither", () => {
  const at = (/** @type {number} */ ece, /** @type {(typeof EMPTY | ReturnType<typeof bin>)[]} */ bins) => (
    describeCalibration({ ece, bins, kept: [] }));
  assert.equal(at(0.1, [EMPTY, bin(0.9, 0.8, 10)]), mean("90.00", "80.00", ": too sure"));
  assert.equal(at(0.1, [bin(0.8, 0.9, 10)]), mean("80.00", "90.00", ": not sure enough"));
  assert.equal(at(0.1, [bin(0.8, 0.9, 10), bin(0.9, 0.8, 10)]), mean("85.00", "85.00", ""));
});

test("what is right without the least certain images is set against all", () => {
  const kept = [{ kept: 1, accuracy: 0.9828 }, { kept: 0.95, accuracy: 0.9987 }];
  assert.equal(describeKept({ ece: 0, bins: [], kept }),
    "Without the 5\u202f% that it is least certain of, 99.87\u202f% are right instead of 98.28\u202f%.");
  assert.equal(describeKept({ ece: 0, bins: [], kept: [] }), "");
});
