/** The heat map of an image: where covering it costs the answer most. */
import { SIDE } from "../../lib/evaluations/digit_images.js";
import { aDigit } from "../../lib/evaluations/texts.js";
import { parseColor } from "../../lib/theme.js";

/**
 * @typedef {object} Occlusion
 * @property {number} step of the weights that were used
 * @property {number} digit the answer
 * @property {number} probability of the answer
 * @property {number} size of the window that covers the image, in pixels
 * @property {number} stride between two places of the window, in pixels
 * @property {number[][]} losses by place: how much less probable the answer is there; negative where it is more
 * @property {number[][]} reads by place: what is read then
 */

const MAX_OPACITY = 0.85;

/**
 * For each pixel, the mean loss of the windows that cover it, negative ones left out; 0 to 1, the highest is 1 unless nothing is lost.
 * @param {Occlusion} occlusion
 */
export function heatOfPixels({ losses, size, stride }) {
  const sums = new Float64Array(SIDE * SIDE);
  const windows = new Uint16Array(SIDE * SIDE);
  losses.forEach((row, i) => row.forEach((loss, j) => {
    for (let y = i * stride; y < Math.min(SIDE, i * stride + size); y++) {
      for (let x = j * stride; x < Math.min(SIDE, j * stride + size); x++) {
        sums[SIDE * y + x] += Math.max(0, loss);
        windows[SIDE * y + x] += 1;
      }
    }
  }));
  const means = Array.from(sums, (sum, i) => (windows[i] ? sum / windows[i] : 0));
  const highest = Math.max(...means);
  return means.map((mean) => (highest > 0 ? mean / highest : 0));
}

/** "Colour marks what makes it a 4. With its strongest part hidden, it reads 9." @param {Occlusion} occlusion */
export function describeStroke({ digit, losses, reads }) {
  const places = losses.flatMap((row, i) => row.map((loss, j) => ({ loss, reads: reads[i][j] })));
  const most = places.reduce((best, place) => (place.loss > best.loss ? place : best));
  return most.reads === digit
    ? `Colour marks what speaks for ${digit}. With its strongest part hidden, it still reads ${digit}.`
    : `Colour marks what makes it ${aDigit(digit)}. With its strongest part hidden, it reads ${most.reads}.`;
}

/** @param {HTMLCanvasElement} canvas @param {Occlusion|null} occlusion */
export function drawHeat(canvas, occlusion) {
  canvas.width = SIDE;
  canvas.height = SIDE;
  const context = canvas.getContext("2d");
  if (!context || !occlusion) return;
  const [red, green, blue] = parseColor(getComputedStyle(canvas).color) ?? [0, 0, 0];
  const image = new ImageData(SIDE, SIDE);
  heatOfPixels(occlusion).forEach((heat, i) => image.data.set([red, green, blue, 255 * MAX_OPACITY * heat], 4 * i));
  context.putImageData(image, 0, 0);
}
