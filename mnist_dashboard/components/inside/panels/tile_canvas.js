/** Draws the pictures of a layer side by side on one canvas. */
import { colorAt, palette, parseColor } from "../../lib/theme.js";
import { boundsOf, colorIndex } from "../model/tiles.js";

/**
 * @import { Tiles } from "../model/tiles.js"
 * @typedef {object} Arrangement
 * @property {number} columns
 * @property {number} width of a picture, in pixels of the page
 * @property {number} height
 * @property {number} gap
 * @property {boolean} together whether all pictures have one scale; else each has its own
 */

/** Red, green and blue of the 256 colours of a scale. @param {string[]} scale */
const tableOf = (scale) => Array.from({ length: 256 }, (_, i) => colorAt(scale, i / 255));

/**
 * Colour is blue below 0 and orange above where there are numbers below 0, else from paper to blue.
 * @param {HTMLCanvasElement} canvas @param {Tiles} tiles @param {Arrangement} arrangement
 */
export function drawTiles(canvas, tiles, { columns, width, height, gap, together }) {
  const rows = Math.ceil(tiles.count / columns);
  const [fullWidth, fullHeight] = [columns * (width + gap) - gap, rows * (height + gap) - gap];
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(fullWidth * ratio));
  canvas.height = Math.max(1, Math.round(fullHeight * ratio));
  canvas.style.width = `${fullWidth}px`;
  canvas.style.height = `${fullHeight}px`;
  const context = canvas.getContext("2d");
  if (!context || !tiles.count) return;
  context.imageSmoothingEnabled = false;
  const picture = new OffscreenCanvas(tiles.width, tiles.height);
  const ink = picture.getContext("2d");
  if (!ink) return;
  const hasTwoSides = tiles.values.some((value) => value < 0);
  const { train, validation, background, sequential } = palette(canvas);
  const paper = parseColor(background) ? background : "#FFFFFF";
  const colors = tableOf(hasTwoSides ? [train, paper, validation] : sequential);
  const bounds = boundsOf(tiles, together);
  const size = tiles.width * tiles.height;
  const data = new ImageData(tiles.width, tiles.height);
  for (let n = 0; n < tiles.count; n++) {
    for (let i = 0; i < size; i++) {
      const [red, green, blue] = colors[colorIndex(tiles.values[n * size + i], bounds[n], hasTwoSides)];
      data.data.set([red, green, blue, 255], 4 * i);
    }
    ink.putImageData(data, 0, 0);
    const [left, top] = [(n % columns) * (width + gap), Math.floor(n / columns) * (height + gap)];
    // Whole pixels: seams between pictures would show
    const [x, y] = [Math.round(left * ratio), Math.round(top * ratio)];
    context.drawImage(picture, x, y, Math.round((left + width) * ratio) - x, Math.round((top + height) * ratio) - y);
  }
}
