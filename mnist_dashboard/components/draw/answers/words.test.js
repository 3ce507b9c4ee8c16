import assert from "node:assert/strict";
import { test } from "node:test";

import { describeAnswers, digitOf, formatShare } from "./words.js";

/** Ten probabilities, most of it for one digit. @param {number} digit @param {number} share */
const certain = (digit, share) => Array.from({ length: 10 }, (_, i) => (i === digit ? share : (1 - share) / 9));

const JUDGES = [{ id: 7, name: "run-7" }, { id: 6, name: "run-6" }, { id: 3, name: "run-3" }];

test("the digit is the one with the highest probability", () => {
  assert.equal(digitOf(certain(4, 0.5)), 4);
  assert.equal(digitOf(certain(0, 0.2)), 0);
});

test("small and nearly certain shares are told as bounds", () => {
  assert.deepEqual([0.838, 0.0009, 0.001, 0.9995, 1, 0.05].map(formatShare), ["83.8", "<0.1", "0.1", ">99.9", "100.0", "5.0"]);
});

test("the first run's answer comes with its probability", () => {
  const answers = [{ run: 7, probabilities: certain(4, 0.838) }];
  const expected = { digit: "4", main: "run-7 reads 4, 83.8\u202f%.", rest: "", isWrong: false };
  assert.deepEqual(describeAnswers(JUDGES.slice(0, 1), answers), expected);
});

test("agreement is counted, disagreement is named", () => {
  const four = JUDGES.map(({ id }) => ({ run: id, probabilities: certain(4, 0.9) }));
  assert.equal(describeAnswers(JUDGES, four).rest, "All three read 4.");
  assert.equal(describeAnswers(JUDGES.slice(0, 2), four).rest, "Both read 4.");
  const nine = { run: 6, probabilities: certain(9, 0.6) };
  assert.equal(describeAnswers(JUDGES, [four[0], nine, four[2]]).rest, "run-6 reads 9. run-3 reads 4.");
});

test("a run that cannot answer says why, and the next one comes first", () => {
  const answers = [{ run: 7, problem: "It has no saved weights." }, { run: 6, probabilities: certain(9, 0.6) }];
  const verdict = describeAnswers(JUDGES.slice(0, 2), answers);
  const rest = "run-7: It has no saved weights.";
  assert.deepEqual(verdict, { digit: "9", main: "run-6 reads 9, 60.0\u202f%.", rest, isWrong: false });
  assert.deepEqual(describeAnswers(JUDGES.slice(0, 1), answers), { digit: "", main: "", rest });
});

test("once it is known what the digit is meant to be, each answer is called right or wrong", () => {
  const [four, nine] = [certain(4, 0.6), certain(9, 0.998)];
  const one = JUDGES.slice(0, 1);
  const expected = { digit: "9", main: "run-7 reads 9, 99.8\u202f%: wrong, it is a 4.", rest: "", isWrong: true };
  assert.deepEqual(describeAnswers(one, [{ run: 7, probabilities: nine }], 4), expected);
  assert.match(describeAnswers(one, [{ run: 7, probabilities: nine }], 8).main, /wrong, it is an 8\.$/);
  const mixed = [{ run: 7, probabilities: four }, { run: 6, probabilities: nine }, { run: 3, probabilities: four }];
  const verdict = describeAnswers(JUDGES, mixed, 4);
  assert.equal(verdict.main, "run-7 reads 4, 60.0\u202f%: right.");
  assert.equal(verdict.rest, "run-6 reads 9, wrong. run-3 reads 4, right.");
  assert.equal(verdict.isWrong, false);
});
