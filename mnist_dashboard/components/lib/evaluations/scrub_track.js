/** Where the evaluations of a run stand on the track of the scrubber. Pure. */

/** @import { Evaluated } from "./run_evaluations.js" */

const SMALLEST_ERROR = 1e-4; // of 10,000 images, one

/**
 * Of two evaluations after the same step, validation comes first.
 * @template {Pick<Evaluated, "step"|"split">} T @param {T[]} evaluations
 */
export function inOrder(evaluations) {
  return [...evaluations].sort((a, b) => a.step - b.step || Number(a.split === "test") - Number(b.split === "test"));
}

/**
 * Place of each evaluation, both from 0 to 1: across by step, and up by the logarithm of its error, so that the track still
 * moves when almost everything is right. Evaluations of the same step stand side by side.
 * @param {Evaluated[]} evaluations in order @param {number} totalSteps of the run
 */
export function placeOnTrack(evaluations, totalSteps) {
  const heights = evaluations.map(({ accuracy }) => -Math.log(Math.max(1 - accuracy, SMALLEST_ERROR)));
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  const last = Math.max(totalSteps, evaluations.at(-1)?.step ?? 1);
  return evaluations.map(({ step }, i) => ({
    x: step / last,
    y: high > low ? (heights[i] - low) / (high - low) : 1,
  }));
}

/**
 * The evaluation that a position shows: the nearest. @param {{x: number}[]} places @param {number} x from 0 to 1
 */
export function nearestPlace(places, x) {
  let nearest = places.length - 1;
  for (let i = places.length - 1; i >= 0; i--) {
    if (Math.abs(places[i].x - x) < Math.abs(places[nearest].x - x)) nearest = i;
  }
  return nearest;
}
