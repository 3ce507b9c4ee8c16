/** A curve as small as a word: the smoothed training loss of a run, in a table cell. */

const WIDTH = 84;
const HEIGHT = 24;
const SVG = "http://www.w3.org/2000/svg";

/** The points of a polyline; logarithmic, as losses are read. @param {number[]} values */
export function points(values) {
  const shown = values.map((value) => (value > 0 ? Math.log(value) : null));
  const known = shown.filter((value) => value !== null);
  if (known.length < 2) return "";
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const x = (i) => (1 + (i / (shown.length - 1)) * (WIDTH - 2)).toFixed(1);
  const y = (value) => (HEIGHT - 2 - ((value - low) / (high - low || 1)) * (HEIGHT - 4)).toFixed(1);
  return shown.flatMap((value, i) => (value === null ? [] : [`${x(i)},${y(value)}`])).join(" ");
}

/** Draw a curve into a cell, which holds nothing else; `words` say it to those who do not see it. */
export function drawSparkline(cell, values, words) {
  const drawn = points(values);
  let svg = cell.firstElementChild;
  if (!svg) {
    svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("role", "img");
    svg.setAttribute("class", "mt-spark");
    svg.append(document.createElementNS(SVG, "polyline"));
    cell.append(svg);
  }
  const line = svg.firstElementChild;
  if (line.getAttribute("points") !== drawn) line.setAttribute("points", drawn);
  if (svg.getAttribute("aria-label") !== words) svg.setAttribute("aria-label", words);
}

export const SPARKLINE_WIDTH = WIDTH;
