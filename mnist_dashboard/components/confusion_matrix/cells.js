/** The cells of the matrix: what they say, and where the keyboard leads. Pure. */
import { formatCount } from "../lib/format.js";

/** @import { Matrix } from "../lib/types" */
/** @typedef {[row: number, column: number]} Cell true digit and predicted digit */

export const DIGITS = [...Array(10).keys()];
const LAST = DIGITS.length - 1;
const PLURALS = ["zeros", "ones", "twos", "threes", "fours", "fives", "sixes", "sevens", "eights", "nines"];
const LISTED_CONFUSIONS = 3;

/** @param {number[]} row */
export const sum = (row) => row.reduce((a, b) => a + b, 0);

/** The pairs of digits that are confused most often, with their counts. @param {Matrix} matrix */
function mostConfused(matrix) {
  return DIGITS.flatMap((i) => DIGITS.map((j) => ({ i, j, n: i === j ? 0 : matrix[i][j] })))
    .filter(({ n }) => n > 0)
    .sort((a, b) => b.n - a.n)
    .slice(0, LISTED_CONFUSIONS);
}

/** "5 read as 3 (21), 9 read as 4 (15)" @param {Matrix} matrix */
export function describeConfusions(matrix) {
  return mostConfused(matrix).map(({ i, j, n }) => `${i} read as ${j} (${formatCount(n)})`).join(", ") || "none";
}

/** "5 read as 3: 21 images, 2.4 % of the fives" @param {Cell} cell @param {number} count @param {number} total of the row */
export function describeCell([i, j], count, total) {
  const images = count === 1 ? "1 image" : `${formatCount(count)} images`;
  return `${i} read as ${j}: ${images}, ${percent(total ? count / total : 0)}\u202f% of the ${PLURALS[i]}`;
}

/** The text in a cell; zeros are blank. @param {number} count @param {number} total of the row @param {boolean} isNormalized */
export function cellText(count, total, isNormalized) {
  if (!count) return "";
  if (!isNormalized) return formatCount(count);
  return percent(count / total);
}

/** A share in percent, short enough for a cell. @param {number} share */
function percent(share) {
  if (share === 1) return "100";
  return share > 0 && share < 0.001 ? "<0.1" : (100 * share).toFixed(1);
}

/** @type {Record<string, (cell: Cell) => Cell>} */
const KEYS = {
  ArrowUp: ([i, j]) => [Math.max(0, i - 1), j],
  ArrowDown: ([i, j]) => [Math.min(LAST, i + 1), j],
  ArrowLeft: ([i, j]) => [i, Math.max(0, j - 1)],
  ArrowRight: ([i, j]) => [i, Math.min(LAST, j + 1)],
  Home: ([i]) => [i, 0],
  End: ([i]) => [i, LAST],
  PageUp: ([, j]) => [0, j],
  PageDown: ([, j]) => [LAST, j],
  "Ctrl+Home": () => [0, 0],
  "Ctrl+End": () => [LAST, LAST],
};

/**
 * The cell that a key leads to; null for keys of others.
 * @param {Cell} cell @param {Pick<KeyboardEvent, "key"|"ctrlKey"|"altKey"|"metaKey"|"shiftKey">} event
 */
export function nextCell(cell, { key, ctrlKey, altKey, metaKey, shiftKey }) {
  if (altKey || metaKey || shiftKey) return null;
  return KEYS[ctrlKey ? `Ctrl+${key}` : key]?.(cell) ?? null;
}
