/** Where the points of the map stand, and what lies between two maps. Pure. */
import { decodeBase64 } from "./tiles.js";

/** x and y of each image in turn, from base64 of float32 numbers, little-endian. @param {string} text */
export function decodePoints(text) {
  const view = new DataView(decodeBase64(text).buffer);
  return Float32Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

/**
 * Points in pixels: as large as fits, equal on both axes, y upwards. @param {Float32Array} points @param {number} width
 * @param {number} height @param {number} margin
 */
export function fitPoints(points, width, height, margin) {
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    left = Math.min(left, points[i]);
    right = Math.max(right, points[i]);
    low = Math.min(low, points[i + 1]);
    high = Math.max(high, points[i + 1]);
  }
  const [across, up] = [right - left || 1, high - low || 1];
  const scale = Math.min((width - 2 * margin) / across, (height - 2 * margin) / up);
  return points.map((value, i) => (i % 2
    ? height / 2 - scale * (value - (low + high) / 2)
    : width / 2 + scale * (value - (left + right) / 2)));
}

/**
 * Write the points between two maps. @param {Float32Array} from @param {Float32Array} to @param {number} share 0 to 1
 * @param {Float32Array} out
 */
export function mixPoints(from, to, share, out) {
  for (let i = 0; i < out.length; i++) out[i] = from[i] + (to[i] - from[i]) * share;
}

/** Slow at both ends. @param {number} share 0 to 1 */
export const ease = (share) => share * share * (3 - 2 * share);

/**
 * The middle of each digit's points: the median of x and of y; null for a digit without points.
 * @param {Float32Array} points @param {Uint8Array} labels
 */
export function labelCentres(points, labels) {
  /** @type {{xs: number[], ys: number[]}[]} */
  const places = Array.from({ length: 10 }, () => ({ xs: [], ys: [] }));
  labels.forEach((label, i) => {
    places[label].xs.push(points[2 * i]);
    places[label].ys.push(points[2 * i + 1]);
  });
  return places.map(({ xs, ys }) => (xs.length ? { x: median(xs), y: median(ys) } : null));
}

/** @param {number[]} values */
function median(values) {
  return Float64Array.from(values).sort()[values.length >> 1];
}

/**
 * The next image that is read wrong, by number, round the end; null if there is none.
 * @param {Uint8Array} labels @param {Uint8Array} predicted @param {Set<number>} hidden digits @param {number} from an image
 * @param {1|-1} direction
 */
export function nextWrong(labels, predicted, hidden, from, direction) {
  const count = labels.length;
  for (let n = 1; n <= count; n++) {
    const image = (((from + n * direction) % count) + count) % count;
    if (predicted[image] !== labels[image] && !hidden.has(labels[image])) return image;
  }
  return null;
}

/**
 * The digits that are hidden after a click: while all show, the clicked one shows alone; then clicks add and remove others, and a click
 * on the only one shows all again. @param {Set<number>} hidden @param {number} digit that is clicked
 */
export function clickDigit(hidden, digit) {
  if (!hidden.size) return new Set([...Array(10).keys()].filter((other) => other !== digit));
  const next = new Set(hidden);
  if (!next.delete(digit)) next.add(digit);
  return next.size === 10 ? new Set() : next;
}
