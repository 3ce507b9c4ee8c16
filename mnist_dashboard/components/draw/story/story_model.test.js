import assert from "node:assert/strict";
import { test } from "node:test";

import { leadingDigits, stepTicks, tellStory } from "./story_model.js";

/** A story in which each step reads one digit. @param {number[]} digits */
function story(digits) {
  const steps = digits.map((_, i) => 10 ** i);
  return { steps, probabilities: digits.map((digit) => Array.from({ length: 10 }, (_, i) => (i === digit ? 0.91 : 0.01))) };
}

test("the story tells when the answer changed", () => {
  assert.equal(tellStory(story([4, 4, 4])), "Read as 4 from the start.");
  assert.equal(tellStory(story([9])), "Read as 9 from the start.");
  assert.equal(tellStory(story([9, 9, 4])), "Read as 9 at first, then 4 from step 100.");
  const words = "Read as 9 at first, then 4 from step 10, then 9 from step 100, then 4 from step 10\u202f000.";
  assert.equal(tellStory(story([9, 4, 9, 9, 4])), words);
});

test("many changes are counted", () => {
  const words = "Read as 9 at first; the answer changed 6 times, and is 9 from step 1\u202f000\u202f000 on.";
  assert.equal(tellStory(story([9, 4, 9, 4, 9, 4, 9])), words);
});

test("the digits in colour are those with the highest peaks, the winner first", () => {
  const { steps, probabilities } = story([9, 7, 4]);
  assert.deepEqual(leadingDigits({ steps, probabilities })[0], 4);
  assert.deepEqual(leadingDigits({ steps, probabilities }).toSorted(), [4, 7, 9]);
});

test("a logarithmic axis has a tick for each power of ten", () => {
  assert.deepEqual(stepTicks(2532), [1, 10, 100, 1000]);
  assert.deepEqual(stepTicks(1), [1]);
});
