/**
 * Images of digits: fetched in sprites, one request for all that a panel shows, and drawn as ink on paper in the colours of the theme.
 */
import { palette, parseColor } from "../theme.js";
import { request } from "./requests.js";

/**
 * @import { Split } from "../types"
 * @import { RunEvaluations } from "./run_evaluations.js"
 */

export const SIDE = 28; // pixels
const PIXELS = SIDE * SIDE;
const MAX_IMAGES = 100; // in a request
const MAX_KEPT = 3000; // images, of 784 bytes each

export class DigitImages {
  /** @type {Map<string, Uint8ClampedArray>} grey levels by split and number, the one asked for last at the end */
  #kept = new Map();

  #source;

  /** @param {RunEvaluations} source */
  constructor(source) {
    this.#source = source;
  }

  /**
   * Grey levels of images, 0 for background, each 784; those that are missing come in one request.
   * @param {Split} split @param {number[]} images
   */
  async load(split, images) {
    const missing = [...new Set(images)].filter((image) => !this.#kept.has(`${split}/${image}`));
    for (let start = 0; start < missing.length; start += MAX_IMAGES) {
      const part = missing.slice(start, start + MAX_IMAGES);
      const sprite = await this.#request(split, part);
      part.forEach((image, n) => this.#kept.set(`${split}/${image}`, sprite.slice(n * PIXELS, (n + 1) * PIXELS)));
    }
    const found = images.map((image) => this.#kept.get(`${split}/${image}`) ?? new Uint8ClampedArray(PIXELS));
    while (this.#kept.size > MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value ?? "");
    return found;
  }

  /** @param {Split} split @param {number[]} images */
  async #request(split, images) {
    const response = await request("images.png", { ...this.#source.query, split, images: images.join() });
    const bitmap = await createImageBitmap(await response.blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("no canvas");
    context.drawImage(bitmap, 0, 0);
    const colors = context.getImageData(0, 0, bitmap.width, bitmap.height).data;
    return Uint8ClampedArray.from({ length: bitmap.width * bitmap.height }, (_, i) => colors[4 * i]);
  }
}

/**
 * Draw a digit over the whole canvas, which shows it as large as its style says.
 * @param {HTMLCanvasElement} canvas @param {Uint8ClampedArray|null} levels
 */
export function drawDigit(canvas, levels) {
  canvas.width = SIDE;
  canvas.height = SIDE;
  const context = canvas.getContext("2d");
  if (!context || !levels) return;
  const [red, green, blue] = parseColor(palette(canvas).text) ?? [0, 0, 0];
  const image = new ImageData(SIDE, SIDE);
  levels.forEach((level, i) => image.data.set([red, green, blue, level], 4 * i));
  context.putImageData(image, 0, 0);
}
