/** Widths of the table's columns: those of their longest texts, so that nothing moves while rows come into sight. */
import { make } from "../../lib/dom.js";
import { isNumber } from "../../lib/format.js";
import { fitWidths } from "../model/fit.js";
import { SPARKLINE_WIDTH } from "../rows/sparkline.js";

/**
 * @import { ListedRun } from "../../../feed/client/run_list.js"
 * @import { Column } from "../model/columns.js"
 */

const PADDING = 13; // and the line between two columns
const DIFFERENCE = 52; // room for the difference to the baseline
const SPREAD = 136; // room for standard deviation and interval
const BUTTONS = 48; // room for star and pencil beside a name
const ARROW = 10; // beside the title of a sorted column
const SAMPLE = 100; // times whose texts are measured
const MIN_WIDTH = 34;
const MAX_WIDTH = 220;
const LONG_TEXTS = ["name", "parent", "tags", "notes"]; // may be cut: their cells show the whole text as a title
const LEAST_LONG = 96;
const LEAST_NAME = 150;
const LEAST_STATUS = 96; // of two lines
const NAME_ON_PHONES = 150;
export const COLOR_WIDTH = 28;
const context = document.createElement("canvas").getContext("2d");
/** @type {Map<string, number>} */
const measured = new Map();

/**
 * @typedef {object} Sizing
 * @property {HTMLElement} box that the table scrolls in
 * @property {boolean} isNarrow on a phone
 * @property {boolean} isGrouped
 * @property {boolean} isCompared with a baseline
 */

/** @param {HTMLElement} box */
const fontOf = (box) => `12.25px ${getComputedStyle(box).fontFamily}`;

/**
 * Call back once the table's font is there: texts measured before are as wide as in another one.
 * @param {HTMLElement} box @param {() => void} callback
 */
export async function onceFontIsLoaded(box, callback) {
  if (document.fonts.check(fontOf(box))) return;
  await document.fonts.load(fontOf(box));
  measured.clear();
  callback();
}

/** Width of the column with the checkboxes. @param {boolean} isNarrow */
export const tickWidth = (isNarrow) => (isNarrow ? 40 : 34);

/**
 * One `<col>` for each column of the table, and the width of all.
 * @param {Column[]} columns @param {ListedRun[]} runs @param {Sizing} sizing
 */
export function sizedColumns(columns, runs, sizing) {
  const font = fontOf(sizing.box);
  const fixed = [tickWidth(sizing.isNarrow), COLOR_WIDTH].map((width) => ({ width, least: width, grows: false }));
  const wishes = columns.map((column) => {
    const width = columnWidth(column, runs, font, sizing);
    return { width, least: Math.min(width, leastWidth(column) ?? width), grows: true };
  });
  const widths = fitWidths([...fixed, ...wishes], sizing.box.clientWidth);
  const cols = widths.map((width) => {
    const col = make("col");
    col.style.width = `${width}px`;
    return col;
  });
  return { cols, total: widths.reduce((sum, width) => sum + width, 0) };
}

/** What a column can shrink to; undefined for one that cannot. @param {Column} column */
function leastWidth({ key }) {
  if (key === "name") return LEAST_NAME;
  if (key === "status") return LEAST_STATUS;
  return LONG_TEXTS.includes(key) ? LEAST_LONG : undefined;
}

/** @param {Column} column @param {ListedRun[]} runs @param {string} font @param {Sizing} sizing */
function columnWidth(column, runs, font, { isNarrow, isGrouped, isCompared }) {
  const title = textWidth(column.title, font) + ARROW;
  if (column.curve) return Math.max(title, SPARKLINE_WIDTH) + PADDING;
  const beside = column.metric ? (isGrouped ? SPREAD : isCompared ? DIFFERENCE : 0) : column.key === "name" ? BUTTONS : 0;
  const longest = Math.max(0, ...longestTexts(column, runs).map((text) => textWidth(text, font)));
  const content = Math.max(MIN_WIDTH, title, longest + beside);
  const most = column.key === "name" && isNarrow ? NAME_ON_PHONES : MAX_WIDTH;
  return Math.ceil(Math.min(most, content)) + PADDING;
}

/**
 * Texts that include the longest one of a column. Formatting all numbers of thousands of runs would take long; the smallest, the
 * largest and those with the most digits are enough.
 * @param {Column} column @param {ListedRun[]} runs
 */
function longestTexts(column, runs) {
  const values = runs.map(column.value);
  const numbers = values.filter(isNumber);
  if (column.filtersText) {
    return values.filter((_, i) => i % Math.ceil(values.length / SAMPLE) === 0).map(column.format);
  }
  if (!numbers.length) return [longest(values.map(column.format))];
  let [low, high, digits] = [numbers[0], numbers[0], ""];
  for (const number of numbers) {
    if (number < low) low = number;
    if (number > high) high = number;
    if (column.setting && String(number).length > digits.length) digits = String(number);
  }
  return [column.format(low), column.format(high), digits];
}

/** @param {string[]} texts */
const longest = (texts) => texts.reduce((found, text) => (text.length > found.length ? text : found), "");

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
