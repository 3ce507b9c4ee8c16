/** Numbers of a layer as pictures side by side: how they are unpacked, scaled and arranged. Pure. */

/**
 * @typedef {{name: string, shape: number[], min: number, max: number, values: string}} Packed `values` are levels from 0 for `min` to
 *   255 for `max`, as base64, one picture after the other
 * @typedef {{count: number, height: number, width: number, values: Float32Array}} Tiles
 */

/** Bytes of a base64 text. @param {string} text */
export function decodeBase64(text) {
  const characters = atob(text);
  return Uint8Array.from({ length: characters.length }, (_, i) => characters.charCodeAt(i));
}

/** The pictures of a layer; a unit without a picture is one of a single number. @param {Packed} packed @returns {Tiles} */
export function unpack({ shape: [count, height = 1, width = 1], min, max, values }) {
  const numbers = Float32Array.from(decodeBase64(values), (level) => min + ((max - min) * level) / 255);
  return { count, height, width, values: numbers };
}

/**
 * The largest size of a number, 0 left aside, in each picture or, `together`, in all of them.
 * @param {Tiles} tiles @param {boolean} together
 */
export function boundsOf({ count, height, width, values }, together) {
  const size = height * width;
  const bounds = Array.from({ length: count }, (_, i) => values.subarray(i * size, (i + 1) * size)
    .reduce((largest, value) => Math.max(largest, Math.abs(value)), 0));
  return together ? bounds.map(() => Math.max(0, ...bounds)) : bounds;
}

/**
 * Place of a number on a scale of 256 colours: from 0 to the bound, or for a scale with two sides from minus the bound to the bound.
 * @param {number} value @param {number} bound @param {boolean} hasTwoSides
 */
export function colorIndex(value, bound, hasTwoSides) {
  const share = bound > 0 ? value / bound : 0;
  return Math.round(255 * Math.min(1, Math.max(0, hasTwoSides ? (1 + share) / 2 : share)));
}

/**
 * The fewest columns with which square pictures fit into a height. @param {number} count @param {number} width @param {number} height
 * @param {number} gap
 */
export function columnsFor(count, width, height, gap) {
  for (let columns = 1; columns < count; columns++) {
    const size = (width - gap * (columns - 1)) / columns;
    const rows = Math.ceil(count / columns);
    if (rows * size + gap * (rows - 1) <= height) return columns;
  }
  return Math.max(1, count);
}
