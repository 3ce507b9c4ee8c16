/**
 * How good the trials are over two settings, as a smoothed grid: the mean rank of the trials near each cell, weighted by their
 * distance with a Gaussian kernel (Nadaraya 1964, Watson 1964). Values of a list are not smoothed into each other. Pure.
 */

const CELLS = 36; // along a continuous axis
const WIDTH = 0.2; // of the kernel with one trial, as a share of an axis; it shrinks with the sixth root (Scott 1992, two dimensions)
const LEAST_WEIGHT = Math.exp(-2); // together: cells with less have no trial within two widths

/**
 * @typedef {{x: number, y: number, rank: number}} Point places from 0 to 1
 * @typedef {object} Landscape
 * @property {number} columns @property {number} rows
 * @property {(number|null)[]} cells rank from 0 to 1, row by row from below; null where no trial is near
 * @property {[x: number, y: number]|null} best middle of the best cell
 */

/**
 * @param {Point[]} points @param {number|null} xBins number of values of a list; null for a range @param {number|null} yBins
 * @returns {Landscape}
 */
export function makeLandscape(points, xBins, yBins) {
  const [columns, rows] = [xBins ?? CELLS, yBins ?? CELLS];
  const width = WIDTH * Math.max(1, points.length) ** (-1 / 6);
  const [inX, inY] = [kernel(columns, xBins, width), kernel(rows, yBins, width)];
  const weightsX = points.map(({ x }) => inX(x));
  const weightsY = points.map(({ y }) => inY(y));
  const cells = Array.from({ length: columns * rows }, (_, cell) => {
    const [column, row] = [cell % columns, Math.floor(cell / columns)];
    let [sum, weights] = [0, 0];
    points.forEach(({ rank }, i) => {
      const weight = weightsX[i][column] * weightsY[i][row];
      sum += weight * rank;
      weights += weight;
    });
    return weights >= LEAST_WEIGHT ? sum / weights : null;
  });
  const known = cells.map((value, cell) => ({ value, cell })).filter(({ value }) => value !== null);
  const top = known.reduce((a, b) => ((b.value ?? 0) > (a.value ?? 0) ? b : a), known[0]);
  const middle = (/** @type {number} */ index, /** @type {number} */ count) => (index + 0.5) / count;
  return { columns, rows, cells, best: top ? [middle(top.cell % columns, columns), middle(Math.floor(top.cell / columns), rows)] : null };
}

/**
 * Stripes of cells of one row in the same band: a tenth as many to draw as there are cells.
 * @param {Landscape} landscape @param {number} bands between the ranks 0 and 1
 * @returns {{band: number, row: number, from: number, to: number}[]} columns from `from` to before `to`
 */
export function makeStripes({ columns, rows, cells }, bands) {
  const stripes = [];
  for (let row = 0; row < rows; row++) {
    for (let from = 0, to = 0; from < columns; from = to) {
      const band = bandOf(cells[row * columns + from], bands);
      while (to < columns && bandOf(cells[row * columns + to], bands) === band) to++;
      if (band !== null) stripes.push({ band, row, from, to });
    }
  }
  return stripes;
}

/** @param {number|null} rank @param {number} bands */
const bandOf = (rank, bands) => (rank === null ? null : Math.min(bands - 1, Math.floor(rank * bands)));

/**
 * A function from a place on an axis to the weight of a trial there in each cell along it.
 * @param {number} count of cells @param {number|null} bins @param {number} width
 * @returns {(place: number) => number[]}
 */
function kernel(count, bins, width) {
  const middles = Array.from({ length: count }, (_, i) => (i + 0.5) / count);
  if (bins) return (place) => middles.map((middle) => Number(Math.abs(place - middle) < 0.5 / count));
  return (place) => middles.map((middle) => Math.exp(-0.5 * ((place - middle) / width) ** 2));
}
