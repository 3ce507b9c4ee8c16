/** A curve as small as a word: the smoothed training loss of a run, in a table cell. */

import { CURVE_DIGITS } from "../../lib/constants.js";

export const SPARKLINE_WIDTH = 84;
const HEIGHT = 24;
const SVG = "http://www.w3.org/2000/svg";

/** The height of each point of a curve, from 0 to 1 on a logarithmic scale; null for a gap. @param {string} digits */
export function curveHeights(digits) {
  return [...digits].map((digit) => (digit === " " ? null : CURVE_DIGITS.indexOf(digit) / (CURVE_DIGITS.length - 1)));
}

/** The points of a polyline. @param {(number|null)[]} heights from 0 to 1 */
export function sparklinePoints(heights) {
  if (heights.filter((height) => height !== null).length < 2) return "";
  /** @param {number} i */
  const x = (i) => (1 + (i / (heights.length - 1)) * (SPARKLINE_WIDTH - 2)).toFixed(1);
  /** @param {number} height */
  const y = (height) => (HEIGHT - 2 - height * (HEIGHT - 4)).toFixed(1);
  return heights.flatMap((height, i) => (height === null ? [] : [`${x(i)},${y(height)}`])).join(" ");
}

/**
 * Draw a curve into a cell that holds nothing else.
 * @param {HTMLElement} cell @param {string} digits of the curve @param {string} label for screen readers
 */
export function drawSparkline(cell, digits, label) {
  const points = sparklinePoints(curveHeights(digits));
  let svg = cell.firstElementChild;
  if (!svg) {
    svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${SPARKLINE_WIDTH} ${HEIGHT}`);
    svg.setAttribute("role", "img");
    svg.setAttribute("class", "mt-spark");
    svg.append(document.createElementNS(SVG, "polyline"));
    cell.append(svg);
  }
  const line = svg.firstElementChild;
  if (line && line.getAttribute("points") !== points) line.setAttribute("points", points);
  if (svg.getAttribute("aria-label") !== label) svg.setAttribute("aria-label", label);
}
