/** A curve as small as a word: the smoothed training loss of a run, in a table cell. */

export const SPARKLINE_WIDTH = 84;
const HEIGHT = 24;
const SVG = "http://www.w3.org/2000/svg";

/** The points of a polyline; logarithmic, as losses are read. @param {(number|null)[]} values */
export function sparklinePoints(values) {
  const logs = values.map((value) => (value !== null && value > 0 ? Math.log(value) : null));
  const numbers = logs.filter((value) => value !== null);
  if (numbers.length < 2) return "";
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  /** @param {number} i */
  const x = (i) => (1 + (i / (logs.length - 1)) * (SPARKLINE_WIDTH - 2)).toFixed(1);
  /** @param {number} value */
  const y = (value) => (HEIGHT - 2 - ((value - low) / (high - low || 1)) * (HEIGHT - 4)).toFixed(1);
  return logs.flatMap((value, i) => (value === null ? [] : [`${x(i)},${y(value)}`])).join(" ");
}

/**
 * Draw a curve into a cell that holds nothing else.
 * @param {HTMLElement} cell @param {(number|null)[]} values @param {string} label for screen readers
 */
export function drawSparkline(cell, values, label) {
  const points = sparklinePoints(values);
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
