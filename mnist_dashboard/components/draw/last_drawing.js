/** The digit that the reader drew last, for the view Inside. It lives as long as the page. */
import { SIDE } from "../lib/evaluations/digit_images.js";

/**
 * @typedef {object} LastDrawing
 * @property {Uint8ClampedArray} levels what the networks see: 784 grey levels, 255 for ink
 * @property {number} version differs for every drawing
 * @property {number|null} label the digit that it is meant to be, if the reader has said so
 */

/** @type {LastDrawing|null} */
let last = null;
let isNew = false;
let versions = 0;

/** @param {Uint8ClampedArray|null} levels null once nothing is drawn */
export function keepLastDrawing(levels) {
  if (levels && last?.levels.join() === levels.join()) return;
  versions += 1;
  last = levels && { levels, version: versions, label: null };
  isNew = last !== null;
}

export const lastDrawing = () => last;

/** Say what the last drawing is meant to be. @param {number|null} label */
export function labelLastDrawing(label) {
  if (last) last.label = label;
}

/** The last drawing, unless it has been looked at before. */
export function takeNewDrawing() {
  const drawing = isNew ? last : null;
  isNew = false;
  return drawing;
}

/** A picture of a drawing for the server, ink on a transparent ground, pixel by pixel. @param {Uint8ClampedArray} levels */
export function encodeDrawing(levels) {
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  const pixels = new ImageData(SIDE, SIDE);
  levels.forEach((level, i) => { pixels.data[4 * i + 3] = level; });
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}
