/** Conditions on runs, parsed from what is typed into the search field and below a column's title. Pure. */
import { statusText } from "../../lib/runs/status.js";
import { isMissing } from "./columns.js";

/**
 * @import { ListedRun } from "../../../feed/client/run_list.js"
 * @import { Column } from "./columns.js"
 */

/** @typedef {(run: ListedRun) => boolean} Condition */

const NUMBER = String.raw`[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?`;
const COMPARISON = new RegExp(`^(?<operator><=|>=|<|>|=)?(?<number>${NUMBER})(?<percent>%?)$`, "i");
const RANGE = new RegExp(`^(?<low>${NUMBER})(?<lowPercent>%?)\\.\\.(?<high>${NUMBER})(?<highPercent>%?)$`, "i");
/** @type {Record<string, (a: number, b: number) => boolean>} */
const OPERATORS = {
  "<": (a, b) => a < b,
  ">": (a, b) => a > b,
  "<=": (a, b) => a <= b,
  ">=": (a, b) => a >= b,
};

/**
 * A condition on one column: `>0.1`, `<=3`, `1..5`, `64` for numbers (shares also in percent: `>98`), words for texts, `-` for
 * runs without a value. Anything else matches cells that contain the text.
 * @param {Column} column @param {string} typed
 * @returns {Condition}
 */
export function parseCondition(column, typed) {
  const text = searchable(typed).trim();
  if (text === "-" || text === "–") return (run) => isMissing(column.value(run));
  const test = isNumeric(column) ? parseNumericTest(column, text) : null;
  if (!test) {
    return (run) => [column.format(column.value(run)), column.otherText?.(run) ?? ""].some((each) => searchable(each).includes(text));
  }
  return (run) => {
    const value = column.value(run);
    return typeof value === "number" && test(value);
  };
}

/** @param {Column} column */
const isNumeric = (column) => Boolean(column.number) && !column.filtersText;

/**
 * Why a condition cannot be used, in a sentence; empty for one that can.
 * @param {Column|undefined} column @param {string} key of the column @param {string} typed
 */
export function conditionProblem(column, key, typed) {
  if (!column) return `There is no column “${key}”.`;
  const text = searchable(typed).trim();
  if (!isNumeric(column) || !text || text === "-" || text === "–" || parseNumericTest(column, text)) return "";
  const isTextInCell = /\d/.test(text) && !/^[<>=]|\.\./.test(text);
  return isTextInCell ? "" : `“${typed.trim()}” is no condition on ${column.title}: write >0.1, 1..5, 64, or – for none.`;
}

/** Numbers as people type them: with a decimal comma, grouped digits, and durations as m:ss. @param {Column} column @param {string} text */
function plainNumbers(column, text) {
  const plain = text.replaceAll(/[\s\u202f]/g, "").replaceAll(/(\d|^|[<>=.-]),(?=\d)/g, "$1.");
  if (!column.duration || !/[<>=]|\.\./.test(plain)) return plain;
  return plain.replaceAll(/(?:(\d+):)?(\d+):(\d\d)/g, (_, h, m, s) => String(3600 * Number(h ?? 0) + 60 * Number(m) + Number(s)));
}

/** @param {Column} column @param {string} typed @returns {((value: number) => boolean)|null} */
function parseNumericTest(column, typed) {
  const text = plainNumbers(column, typed);
  const range = RANGE.exec(text)?.groups;
  if (range) {
    const percent = range.lowPercent || range.highPercent;
    const [low, high] = [scaled(column, range.low, percent), scaled(column, range.high, percent)];
    return (value) => value >= low && value <= high;
  }
  const comparison = COMPARISON.exec(text)?.groups;
  if (!comparison) return null;
  const wanted = scaled(column, comparison.number, comparison.percent);
  const operator = OPERATORS[comparison.operator];
  if (operator) return (value) => operator(value, wanted);
  // Numbers in cells are rounded: "97.5" finds 97.50 %.
  return (value) => Math.abs(value - wanted) <= 1e-9 + 1e-3 * Math.abs(wanted);
}

/** Accuracies are kept as fractions and read in percent. @param {Column} column @param {string} digits @param {string} percent */
function scaled(column, digits, percent) {
  const number = Number(digits);
  return column.percent && (percent || Math.abs(number) > 1) ? number / 100 : number;
}

/** Text as it is stored and compared: composed letters, single spaces, no capitals. @param {string} text */
const searchable = (text) => text.normalize("NFC").replaceAll(/\s+/g, " ").toLowerCase();

/** @type {WeakMap<ListedRun, string>} the searched text of a run, as long as its summary is the same object */
const searchedTexts = new WeakMap();

/** @param {ListedRun} run */
function searchedText(run) {
  const known = searchedTexts.get(run);
  if (known !== undefined) return known;
  const text = [run.name, ...run.tags, run.notes, run.status, statusText(run), run.dataset].map(searchable).join("\n");
  searchedTexts.set(run, text);
  return text;
}

/** Whether every word occurs in the name, tags, notes, status or dataset of a run. @param {string} typed @returns {Condition} */
export function parseSearch(typed) {
  const words = searchable(typed).split(" ").filter(Boolean);
  return (run) => words.every((word) => searchedText(run).includes(word));
}
