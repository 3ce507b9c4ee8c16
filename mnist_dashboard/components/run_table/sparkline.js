/** A curve as small as a word: the smoothed training loss of a run, in a table cell. */

/** @import { PackedCurve } from "../../feed/client/run_rows.js" */

export const SPARKLINE_WIDTH = 84;
const HEIGHT = 24;
const SVG = "http://www.w3.org/2000/svg";

/** Digits of the heights in a packed curve, see feed/listed_run.py */
const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";

/**
 * The height of each point, from 0 to 1 on a logarithmic scale, as losses are read; null for a gap.
 * @param {(number|null)[]|PackedCurve} curve
 */
export function curveHeights(curve) {
  const packed = curve[2];
  if (typeof packed === "string") {
    return [...packed].map((digit) => (digit === " " ? null : DIGITS.indexOf(digit) / (DIGITS.length - 1)));
  }
  const logs = /** @type {(number|null)[]} */ (curve).map((value) => (value !== null && value > 0 ? Math.log(value) : null));
  const numbers = logs.filter((value) => value !== null);
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  return logs.map((value) => (value === null ? null : (value - low) / (high - low || 1)));
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
 * @param {HTMLElement} cell @param {(number|null)[]|PackedCurve} curve @param {string} label for screen readers
 */
export function drawSparkline(cell, curve, label) {
  const points = sparklinePoints(curveHeights(curve));
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
