/** What the view says in words. Pure. */
import { formatCount } from "../../lib/format.js";

/**
 * @import { Split } from "../../lib/types"
 * @typedef {{name: string, shape: number[], units: number}} LayerFacts
 */

/** @type {Record<Split, string>} */
const TITLES = { test: "Test", validation: "Validation" };

/** "Test image 3 869" @param {Split} split @param {number} image */
export const nameImage = (split, image) => `${TITLES[split]} image ${formatCount(image)}`;

/** "20 feature maps of 12 × 12", "500 units", "the first 128 of 256 feature maps of 8 × 8" @param {LayerFacts} layer */
export function describeLayer({ shape: [shown, height, width], units }) {
  const part = shown < units ? `the first ${formatCount(shown)} of ` : "";
  return height ? `${part}${formatCount(units)} feature maps of ${height} × ${width}` : `${part}${formatCount(units)} units`;
}

/**
 * How many units no image activates. @param {Record<string, number>} dead by name of the layer; none without ReLU
 * @param {LayerFacts[]} layers @param {Split} split
 */
export function describeDead(dead, layers, split) {
  if (!Object.keys(dead).length) return "";
  const withDead = layers.filter(({ name }) => dead[name]);
  if (!withDead.length) return `No dead units: each reacts to some ${split} image.`;
  const counts = withDead.map(({ name, units }) => `${formatCount(dead[name])} of ${formatCount(units)} in ${name}`);
  return `Dead units, which react to no ${split} image: ${counts.join(", ")}.`;
}

/** Which weights were used if not those of the evaluation. @param {number} used step @param {number} step of the evaluation */
export function describeWeights(used, step) {
  return used === step ? "" : `Weights of step ${formatCount(used)}, the nearest that are kept.`;
}

/** @param {number} images @param {Split} split @param {number} wrong images */
const describeDots = (images, split, wrong) => (
  `Each dot is one of ${formatCount(images)} ${split} images, in the colour of its true digit; the network puts together what it finds `
  + `alike. Ringed: the ${formatCount(wrong)} read wrong at this step; large ring: the chosen one.`);

/**
 * What the map shows, in words. @param {number} images @param {Split} split @param {number} wrong images
 * @param {number[]} variance share of each axis
 */
export function describeMap(images, split, wrong, variance) {
  const share = Math.round(100 * variance.reduce((sum, part) => sum + part, 0));
  return `${describeDots(images, split, wrong)} `
    + `The two axes (PCA) show ${share}\u202f% of the differences: near here is not always near for the network.`;
}

/** What a map by t-SNE shows, in words. @param {number} images @param {Split} split @param {number} wrong images */
export const describeTsne = (images, split, wrong) => `${describeDots(images, split, wrong)} `
  + "Neighbours on the map (t-SNE) are alike; how far apart clusters are, and how large, means little.";

/** "t-SNE", "t-SNE, 40 %" @param {number} progress 0 to 1 */
export const nameTsne = (progress) => (progress < 1 ? `t-SNE, ${Math.floor(100 * progress)}\u202f%` : "t-SNE");

/** Why a run has no norms. @param {boolean} skips them by a setting @param {boolean} [isFinished] */
export function explainNoNorms(skips, isFinished) {
  if (skips) return "This run records no norms: its setting “Skip layer norms” is on.";
  return isFinished ? "This run was trained before norms were recorded." : "Norms show from the first evaluation on.";
}
