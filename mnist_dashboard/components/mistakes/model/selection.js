/** Which images the gallery shows, and in which order. Pure. */

/**
 * @import { Answers } from "../../lib/evaluations/run_evaluations.js"
 * @import { Matrix } from "../../lib/types"
 * @typedef {{label: number|null, predicted: number|null}} Choice images with this label and this answer; null label: every mistake; null
 *   answer: every mistake of that digit
 * @typedef {"confident"|"uncertain"|"random"} Order
 */

/** @type {Record<Order, string>} */
export const ORDERS = { confident: "Most confident", uncertain: "Least certain", random: "Random" };

/** @param {Uint8Array} labels @param {Uint8Array} predicted @returns {Matrix} */
export function countMatrix(labels, predicted) {
  const matrix = Array.from({ length: 10 }, () => Array(10).fill(0));
  for (let i = 0; i < labels.length; i++) matrix[labels[i]][predicted[i]] += 1;
  return matrix;
}

/** The probability of an image's answer in 255ths; 0 if none were kept. @param {Answers} answers @param {number} image */
export function confidence({ predicted, levels }, image) {
  return levels ? levels[10 * image + predicted[image]] : 0;
}

/**
 * Numbers of the images of a choice, in an order. Images that the network is equally sure of keep the order of the dataset.
 * @param {Choice} choice @param {Uint8Array} labels @param {Answers} answers @param {Order} order
 */
export function selectImages({ label, predicted: answer }, labels, answers, order) {
  const { predicted } = answers;
  /** @type {number[]} */
  const images = [];
  for (let i = 0; i < labels.length; i++) {
    if (label !== null && labels[i] !== label) continue;
    if (answer === null ? predicted[i] === labels[i] : predicted[i] !== answer) continue;
    images.push(i);
  }
  if (order === "random") return shuffled(images);
  if (!answers.levels) return images;
  const sign = order === "confident" ? -1 : 1;
  return images.sort((a, b) => sign * (confidence(answers, a) - confidence(answers, b)) || a - b);
}

/** The same order every time, so that a page can be turned back. @param {number[]} images */
function shuffled(images) {
  return images.map((image) => ({ image, key: scramble(image) })).sort((a, b) => a.key - b.key).map(({ image }) => image);
}

/** A hash of a number: the finaliser of MurmurHash3 (Appleby 2011, public domain). @param {number} n */
function scramble(n) {
  let hash = n + 1;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** "9-4", "9" or "" for every mistake. @param {Choice} choice */
export function writeChoice({ label, predicted }) {
  return [label, predicted].filter((digit) => digit !== null).join("-");
}

/** @param {string} text @returns {Choice} */
export function readChoice(text) {
  const match = /^(\d)(?:-(\d))?$/.exec(text);
  return { label: match ? Number(match[1]) : null, predicted: match?.[2] ? Number(match[2]) : null };
}

/** "9 read as 4", "Mistakes with a 9", "All mistakes", "9 read right" @param {Choice} choice */
export function describeChoice({ label, predicted }) {
  if (label === null) return "All mistakes";
  if (predicted === null) return `Every ${label} read wrong`;
  return label === predicted ? `${label} read right` : `${label} read as ${predicted}`;
}

/** What to say where a choice has no images. @param {Choice} choice */
export function describeNone({ label, predicted }) {
  if (label === null) return "Nothing is read wrong at this step.";
  if (predicted === null) return `No ${label} is read wrong at this step.`;
  return label === predicted ? `No ${label} is read right at this step.` : `No ${label} is read as ${predicted} at this step.`;
}
