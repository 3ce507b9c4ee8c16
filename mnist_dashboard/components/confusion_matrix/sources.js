/**
 * Which matrices a run has, and which one is shown. Pure.
 *
 * One rule: the page shows the test of a run that has ended, and the last batches of one that trains. A reader who chooses another
 * kind gets that kind for every run, as far as the run has it, until they choose what the page would show anyway.
 */
import { formatCount } from "../lib/format.js";

/**
 * @import { RunSeries } from "../../feed/client/series.js"
 * @import { Evaluation, Matrix } from "../lib/types"
 * @typedef {"test"|"latest"|"live"} Kind
 * @typedef {{key: string, kind: Kind|null, chip: string, label: string, matrix: Matrix}} Source
 *   `key` identifies it within the run; `kind` is null for an earlier evaluation; `chip` is its short name
 * @typedef {Pick<RunSeries, "evaluations"|"matrix"|"matrixBatches">} SeriesMatrices
 */

/** @type {readonly Kind[]} in the order of their chips */
export const KINDS = ["test", "latest", "live"];

/** @param {Matrix} matrix */
const countImages = (matrix) => matrix.flat().reduce((a, b) => a + b, 0);

/** @param {Evaluation} evaluation @param {Kind|null} kind @returns {Source} */
function evaluationSource({ split, step, confusion }, kind) {
  const at = formatCount(step);
  return {
    key: `${split}:${step}`,
    kind,
    chip: split === "validation" ? `Step ${at}` : kind ? "Test" : `Test, step ${at}`,
    label: `${formatCount(countImages(confusion))} ${split} images, step ${at}`,
    matrix: confusion,
  };
}

/**
 * Everything a run has: the newest of each kind in the order of `KINDS`, then earlier evaluations.
 * @param {SeriesMatrices|undefined} series
 */
export function listSources(series) {
  if (!series) return [];
  const { evaluations, matrix, matrixBatches } = series;
  const test = evaluations.findLast(({ split }) => split === "test");
  const latest = evaluations.findLast(({ split }) => split === "validation");
  /** @type {Source[]} */
  const sources = [];
  if (test) sources.push(evaluationSource(test, "test"));
  if (latest) sources.push(evaluationSource(latest, "latest"));
  if (matrix) {
    const images = `${formatCount(countImages(matrix))} training images, last ${formatCount(matrixBatches)} batches`;
    sources.push({ key: "live", kind: "live", chip: "Live", label: images, matrix });
  }
  const earlier = evaluations.filter((evaluation) => evaluation !== test && evaluation !== latest).toReversed();
  return [...sources, ...earlier.map((evaluation) => evaluationSource(evaluation, null))];
}

/** What is shown without a choice. @param {Source[]} sources @param {boolean} hasEnded whether the run has */
export function defaultSource(sources, hasEnded) {
  /** @type {Kind[]} */
  const order = hasEnded ? ["test", "latest", "live"] : ["live", "latest", "test"];
  return order.map((kind) => sources.find((source) => source.kind === kind)).find(Boolean) ?? sources[0] ?? null;
}

/**
 * What is shown.
 * @param {Source[]} sources @param {boolean} hasEnded
 * @param {{key: string|null, kind: Kind|null}} choice an evaluation of this run, and a kind for every run
 */
export function shownSource(sources, hasEnded, { key, kind }) {
  const chosen = key && sources.find((source) => source.key === key);
  return chosen || (kind && sources.find((source) => source.kind === kind)) || defaultSource(sources, hasEnded);
}
