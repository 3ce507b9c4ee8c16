/** What the runs read, in words and figures. Pure. */
import { aDigit } from "../../lib/evaluations/texts.js";

const THIN = "\u202f";
const COUNTS = ["", "", "Both", "All three", "All four"];

/**
 * @typedef {{id: number, name: string}} Judge
 * @typedef {{run: number, step?: number, probabilities?: number[], problem?: string}} Answer `probabilities` of the ten digits, or why
 *   there are none
 * @typedef {{digit: string, main: string, rest: string, isWrong?: boolean}} Verdict
 */

/** The digit with the highest probability. @param {number[]} probabilities */
export function digitOf(probabilities) {
  return probabilities.indexOf(Math.max(...probabilities));
}

/** A probability in percent, without its unit: 83.8. @param {number} share */
export function formatShare(share) {
  if (share < 0.001) return "<0.1";
  return share > 0.999 && share < 1 ? ">99.9" : (100 * share).toFixed(1);
}

/**
 * The first run's answer in full, and what the others say; whether they are right if it is known what the digit is `meant` to be.
 * @param {Judge[]} judges @param {Answer[]} answers @param {number|null} [meant] @returns {Verdict}
 */
export function describeAnswers(judges, answers, meant = null) {
  const read = judges.map(({ id, name }) => {
    const answer = answers.find(({ run }) => run === id);
    return { name, problem: answer?.problem ?? "", probabilities: answer?.probabilities ?? null };
  });
  const problems = read.filter(({ problem }) => problem).map(({ name, problem }) => `${name}: ${problem}`);
  const readers = read.flatMap(({ name, probabilities }) => (probabilities ? [{ name, probabilities }] : []));
  const [first, ...others] = readers;
  if (!first) return { digit: "", main: "", rest: problems.join(" ") };
  const digit = digitOf(first.probabilities);
  const isWrong = meant !== null && digit !== meant;
  const judgement = meant === null ? "." : isWrong ? `: wrong, it is ${aDigit(meant)}.` : ": right.";
  const main = `${first.name} reads ${digit}, ${formatShare(first.probabilities[digit])}${THIN}%${judgement}`;
  const differing = others.filter(({ probabilities }) => digitOf(probabilities) !== digit);
  const agreement = !differing.length
    ? others.length ? `${COUNTS[readers.length]} read ${digit}.` : "" // not "agree": it sounds like "right"
    : others.map(({ name, probabilities }) => `${name} reads ${judge(digitOf(probabilities), meant)}.`).join(" ");
  return { digit: String(digit), main, rest: [agreement, ...problems].filter(Boolean).join(" "), isWrong };
}

/** @param {number} digit @param {number|null} meant */
function judge(digit, meant) {
  return meant === null ? digit : `${digit}, ${digit === meant ? "right" : "wrong"}`;
}
