/** Precision, recall and F1 of each digit, from the confusion matrix. Pure; mnist_core/analysis/predictions computes the same. */

/**
 * @import { Matrix } from "../../lib/types"
 * @typedef {object} ClassScores
 * @property {number|null} precision of the images read as this digit, the share that are it; null if there are none
 * @property {number|null} recall of the images of this digit, the share that are read right; null if there are none
 * @property {number|null} f1 harmonic mean of the two
 * @property {number} images of this digit
 * @property {{digit: number, images: number}|null} confusedWith what it is most often read as instead; null if never
 */

/** @param {number} a @param {number} b */
const ratio = (a, b) => (b ? a / b : null);

/** @param {number[]} numbers */
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

/** @param {Matrix} matrix @returns {ClassScores[]} by digit */
export function scoreClasses(matrix) {
  return matrix.map((row, digit) => {
    const right = row[digit];
    const images = sum(row);
    const readAs = sum(matrix.map((other) => other[digit]));
    const wrong = row.map((count, other) => ({ digit: other, images: other === digit ? 0 : count }));
    const confusedWith = wrong.reduce((most, other) => (other.images > most.images ? other : most));
    return {
      precision: ratio(right, readAs),
      recall: ratio(right, images),
      f1: ratio(2 * right, images + readAs),
      images,
      confusedWith: confusedWith.images ? confusedWith : null,
    };
  });
}

/**
 * The means over the digits that occur, plain and weighted by images. A digit without a value counts as 0, as in scikit-learn.
 * @param {ClassScores[]} scores @param {"precision"|"recall"|"f1"} name
 */
export function averageScores(scores, name) {
  const occurring = scores.filter((score) => score.f1 !== null);
  const images = sum(occurring.map((score) => score.images));
  return {
    macro: ratio(sum(occurring.map((score) => score[name] ?? 0)), occurring.length),
    weighted: ratio(sum(occurring.map((score) => (score[name] ?? 0) * score.images)), images),
  };
}
