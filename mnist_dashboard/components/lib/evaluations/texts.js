/** What the views of evaluations say in words. Pure. */
import { formatCount, formatPercent } from "../format.js";

/**
 * @import { Evaluated, ImageHistory } from "./run_evaluations.js"
 */

const THIN = "\u202f";

/** A probability in 255ths as a whole percent: the levels know no more. @param {number} level */
export function formatLevel(level) {
  const percent = Math.round((100 * level) / 255);
  if (percent < 1) return `<1${THIN}%`;
  return percent === 100 ? `>99${THIN}%` : `${percent}${THIN}%`;
}

/** "96.38 % right, 362 mistakes" @param {Evaluated} evaluation @param {number} images */
export function describeEvaluation({ accuracy, split }, images) {
  const mistakes = Math.round((1 - accuracy) * images);
  return `${formatPercent(accuracy)} of ${formatCount(images)} ${split} images right, ${count(mistakes, "mistake")}`;
}

/** @param {number} label @param {number} predicted */
export const arrow = (label, predicted) => `${label} → ${predicted}`;

/** "a 4", "an 8" @param {number} digit */
export const aDigit = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`;

/** @param {number} n @param {string} noun */
export function count(n, noun) {
  return `${n === 0 ? "no" : formatCount(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/**
 * How an image fared up to a step: "Wrong since step 106. Changed sides twice." Empty if it was read once only.
 * @param {ImageHistory} history @param {number} step @param {string} occasion of each reading: an evaluation, or a snapshot of the weights
 */
export function describeHistory({ label, evaluations }, step, occasion = "evaluation") {
  const sides = evaluations.filter((evaluation) => evaluation.step <= step);
  if (!sides.length) return "";
  const isRight = sides.map(({ predicted }) => predicted === label);
  const now = isRight[isRight.length - 1];
  const since = isRight.lastIndexOf(!now) + 1;
  const word = now ? "Right" : "Wrong";
  if (sides.length === 1) return "";
  const times = isRight.filter((side, i) => i > 0 && side !== isRight[i - 1]).length;
  const at = `step ${formatCount(sides[since].step)}`;
  const from = occasion === "evaluation" ? at : `the ${occasion} of ${at}`;
  const start = since === 0 ? `${word} at all ${sides.length} ${occasion}s.` : `${word} since ${from}.`;
  return times > 1 ? `${start} Changed sides ${times === 2 ? "twice" : `${times} times`}.` : start;
}
