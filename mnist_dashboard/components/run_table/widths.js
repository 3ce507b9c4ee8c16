/** Widths of the table's columns: those of their longest texts, so that nothing moves while rows come into sight. */
import { make } from "../lib/dom.js";
import { SPARKLINE_WIDTH } from "./sparkline.js";

/**
 * @import { ListedRun } from "../../feed/client/run_list.js"
 * @import { Column } from "./model/columns.js"
 */

const PADDING = 18;
const DIFFERENCE = 54; // room for the difference to the baseline
const SPREAD = 96; // room for standard deviation and interval
const MARKS = 58; // room for the marks beside a name
const ARROW = 14;
const MIN_WIDTH = 48;
const MAX_WIDTH = 220;
const FIXED = [34, 42]; // checkbox, colour
const context = document.createElement("canvas").getContext("2d");
/** @type {Map<string, number>} */
const measured = new Map();

/**
 * One `<col>` for each column of the table.
 * @param {Column[]} columns @param {ListedRun[]} runs @param {HTMLElement} box @param {boolean} isGrouped
 */
export function sizedColumns(columns, runs, box, isGrouped) {
  const font = `12.25px ${getComputedStyle(box).fontFamily}`;
  const widths = [...FIXED, ...columns.map((column) => columnWidth(column, runs, font, isGrouped))];
  return widths.map((width) => {
    const col = make("col");
    col.style.width = `${width}px`;
    return col;
  });
}

/** @param {Column} column @param {ListedRun[]} runs @param {string} font @param {boolean} isGrouped */
function columnWidth(column, runs, font, isGrouped) {
  const title = textWidth(column.title, font) + ARROW;
  if (column.curve) return Math.max(title, SPARKLINE_WIDTH) + PADDING;
  let longest = "";
  for (const run of runs) {
    const text = column.format(column.value(run));
    if (text.length > longest.length) longest = text;
  }
  const beside = (column.metric ? (isGrouped ? SPREAD : DIFFERENCE) : 0) + (column.key === "name" ? MARKS : 0);
  const content = Math.max(MIN_WIDTH, title, textWidth(longest, font) + beside);
  return Math.round(Math.min(MAX_WIDTH, content)) + PADDING;
}

/** @param {string} text @param {string} font */
function textWidth(text, font) {
  const key = `${font}|${text}`;
  let width = measured.get(key);
  if (width === undefined) {
    if (!context) return 0;
    context.font = font;
    width = context.measureText(text).width;
    measured.set(key, width);
  }
  return width;
}
