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
  assert.equal(tellStory(story([9, 9, 4])), "Read as 9 at first, then 4 from step 100 on.");
  const words = "Read as 9 at first, then 4 from step 10, then 9 from step 100, then 4 from step 10\u202f000 on.";
  assert.equal(tellStory(story([9, 4, 9, 9, 4])), words);
});

test("many changes are counted", () => {
  const words = "Read as 9 at first; the answer changed 6 times, and is 9 from step 1\u202f000\u202f000 on.";
  assert.equal(tellStory(story([9, 4, 9, 4, 9, 4, 9])), words);
});

/** Ten probabilities: that of some digits, the rest even. @param {Record<number, number>} shares */
function share(shares) {
  const known = Object.values(shares);
  const rest = (1 - known.reduce((sum, one) => sum + one, 0)) / (10 - known.length);
  return Array.from({ length: 10 }, (_, digit) => shares[digit] ?? rest);
}

test("where no digit stands out from chance the answer is a guess", () => {
  const chance = [3, 4, 5, 6].map((digit) => share({ [digit]: 0.11 }));
  const steps = [1, 3, 5, 9, 21];
  const end = share({ 9: 0.9 });
  assert.equal(tellStory({ steps, probabilities: [...chance, end] }), "A guess at first, then 9 from step 21 on.");
  assert.equal(tellStory({ steps: steps.slice(0, 4), probabilities: chance }), "A guess from the start: no digit stands out.");
  const words = "Read as 9 at first, then a guess from step 3 on.";
  assert.equal(tellStory({ steps: [1, 3], probabilities: [end, chance[0]] }), words);
});

test("the digits in ink are the likeliest at the end, then those that once were", () => {
  const steps = [1, 10, 100];
  const probabilities = [share({ 1: 0.5 }), share({ 2: 0.6 }), share({ 4: 0.6, 9: 0.3, 7: 0.09 })];
  assert.deepEqual(leadingDigits({ steps, probabilities }), [4, 9, 7]);
  const certain = [...probabilities.slice(0, 2), share({ 4: 0.99, 9: 0.006 })];
  assert.deepEqual(leadingDigits({ steps, probabilities: certain }), [4, 2, 1]);
});

test("a logarithmic axis has a tick for each power of ten", () => {
  assert.deepEqual(stepTicks(2532), [1, 10, 100, 1000]);
  assert.deepEqual(stepTicks(1), [1]);
});
