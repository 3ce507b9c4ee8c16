/** How wide the columns of the table are: as their longest text, so that nothing moves while rows come into sight. */
import { SPARKLINE_WIDTH } from "./sparkline.js";

const PADDING = 18;
const DELTA = 54; // room for the difference to the baseline
const SPREAD = 96; // room for standard deviation and interval
const ARROW = 14;
const LEAST = 48;
const MOST = 220;
const FIXED = [34, 42]; // checkbox, colour
const context = document.createElement("canvas").getContext("2d");
const known = new Map();

/** @param {import("./model/columns.js").Column[]} columns @param {object[]} runs @param {HTMLElement} box @param {boolean} grouped */
export function widths(columns, runs, box, grouped) {
  const style = getComputedStyle(box);
  const font = `12.25px ${style.fontFamily}`;
  const measured = columns.map((column) => {
    const title = textWidth(column.title, font) + ARROW;
    if (column.curve) return Math.max(title, SPARKLINE_WIDTH) + PADDING;
    let longest = "";
    for (const run of runs) {
      const text = column.write(column.value(run));
      if (text.length > longest.length) longest = text;
    }
    const marks = column.key === "name" ? 58 : 0;
    return Math.round(Math.min(MOST, Math.max(LEAST, title, textWidth(longest, font) + (column.metric ? (grouped ? SPREAD : DELTA) : 0) + marks))) + PADDING;
  });
  return [...FIXED, ...measured];
}

function textWidth(text, font) {
  const key = `${font}|${text}`;
  if (!known.has(key)) {
    context.font = font;
    known.set(key, context.measureText(text).width);
  }
  return known.get(key);
}
