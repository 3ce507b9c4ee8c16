/** The columns of the table of runs: what each shows, how it is written, how it sorts, which value is best. Pure. */
import { METRICS, SETTINGS } from "../../lib/constants.js";
import {
  MISSING, formatChoice, formatCount, formatDuration, formatLoss, formatPercent, formatSetting, formatTime, isNumber,
} from "../../lib/format.js";
import { halfInterval } from "../../lib/runs/seeds.js";
import { statusText } from "../../lib/runs/status.js";

/**
 * @import { ListedRun } from "../../../feed/client/run_list.js"
 * @import { RunMetrics } from "../../lib/types"
 */

/** @typedef {number|string|boolean|null} Value */

/**
 * @typedef {object} Column
 * @property {string} key
 * @property {string} title
 * @property {(run: ListedRun) => Value} value what it sorts by
 * @property {(value: Value) => string} format
 * @property {boolean} [number] right-aligned
 * @property {boolean} [percent] a share, read in percent
 * @property {1|-1} [best] whether the highest or the lowest value is the best one
 * @property {(run: ListedRun) => number} [resolution] unit to which the values are rounded: one image in an accuracy
 * @property {boolean} [metric] a result: compared with the baseline, averaged over a group
 * @property {boolean} [setting] a hyperparameter: hidden where all are equal, runs are grouped by it
 * @property {boolean} [descending] largest first at the first click
 * @property {boolean} [usual] shown unless the reader chose others
 * @property {boolean} [curve] drawn, not written
 * @property {boolean} [duration] seconds, read as minutes and seconds
 * @property {boolean} [optional] among the usual columns only if some run has a value
 * @property {(run: ListedRun) => string} [otherText] a text that conditions find as well, such as an older name
 * @property {boolean} [filtersText] filtered by the text in the cell, although it is a number
 */

/** @param {Value} value */
export const isMissing = (value) => value === null || value === "";

/** @param {Value} value */
const text = (value) => (isMissing(value) ? MISSING : String(value));

/** Formats numbers; other values are missing. @param {(n: number|null) => string} format @returns {Column["format"]} */
const ofNumber = (format) => (value) => format(isNumber(value) ? value : null);

/** @param {string} key @param {string} title @param {Column["value"]} value @returns {Column} */
const textColumn = (key, title, value) => ({ key, title, value, format: text });

/** Settings whose values are written by their labels; the values of others are short and clear enough. */
const LABELLED = ["model", "optimizer"];

/** @param {string} key @returns {Column} */
function settingColumn(key) {
  const { label: title, kind, choices } = SETTINGS[key];
  /** @type {Record<typeof kind, Column["format"]>} */
  const formats = {
    number: ofNumber(formatSetting),
    switch: (isOn) => (isOn === null ? MISSING : isOn ? "Yes" : "No"),
    choice: LABELLED.includes(key) ? (choice) => (isMissing(choice) ? MISSING : formatChoice(choices, String(choice))) : text,
  };
  return { key, title, number: kind === "number", format: formats[kind], value: (run) => run.settings[key] ?? null, setting: true };
}

const UNITS = {
  share: { format: ofNumber(formatPercent), percent: true, descending: true },
  nats: { format: ofNumber(formatLoss) },
  "images/s": { format: ofNumber((n) => (n ? formatCount(n) : MISSING)), descending: true },
  seconds: { format: ofNumber(formatDuration), duration: true },
};
const BEST = /** @type {const} */ ({ high: 1, low: -1 });

/** @param {keyof RunMetrics} key @returns {Column} */
function metricColumn(key) {
  const { title, unit, best, images } = METRICS[key];
  const value = (/** @type {ListedRun} */ run) => (key === "elapsed_seconds" && !run.step ? null : run[key]);
  const resolution = images && ((/** @type {ListedRun} */ run) => (run[images] ? 1 / run[images] : 0));
  return {
    key, title, number: true, metric: true, value,
    ...(best && { best: BEST[best] }), ...(resolution && { resolution }), ...UNITS[unit],
  };
}

const USUAL_SETTINGS = ["batch_size", "lr", "momentum", "epochs"];
/** @type {(keyof RunMetrics)[]} */
/** Results stand beside the name, what training took behind the settings. @type {(keyof RunMetrics)[]} */
const RESULTS = ["test_accuracy", "best_validation_accuracy", "test_loss"];
/** @type {(keyof RunMetrics)[]} */
const PACE = ["examples_per_second", "elapsed_seconds"];

/** The keys of a table except for these. @template {string} Key @param {Record<Key, unknown>} table @param {...Key} without */
const otherKeys = (table, ...without) => /** @type {Key[]} */ (Object.keys(table)).filter((key) => !without.includes(key));

/** @type {Column[]} */
const USUAL = [
  textColumn("name", "Name", (run) => run.name),
  { ...textColumn("status", "Status", statusText), otherText: (run) => run.status },
  ...RESULTS.map(metricColumn),
  textColumn("dataset", "Dataset", (run) => run.dataset), // the one in use, which the setting may leave open
  ...USUAL_SETTINGS.map(settingColumn),
  { key: "curve", title: "Loss curve", curve: true, number: true, format: ofNumber(formatLoss), value: (run) => run.loss },
  ...PACE.map(metricColumn),
  {
    key: "started_at", title: "Started", number: true, filtersText: true, descending: true,
    format: ofNumber((seconds) => formatTime(seconds)), value: (run) => run.started_at,
  },
  { ...textColumn("own_digits", "Your digits", (run) => run.own_digits ?? null), optional: true, descending: true },
  { ...textColumn("parent", "Parent", (run) => run.parent || null), optional: true },
  { ...textColumn("tags", "Tags", (run) => run.tags.join(", ") || null), optional: true },
];

/**
 * Every setting has a column, and every metric but the latest validation accuracy: the best one tells more.
 * @type {Column[]}
 */
export const COLUMNS = [
  ...USUAL.map((column) => ({ ...column, usual: true })),
  textColumn("notes", "Notes", (run) => run.notes.split("\n", 1)[0] || null),
  textColumn("starred", "Starred", (run) => (run.starred ? "Starred" : null)),
  textColumn("archived", "Archived", (run) => (run.archived ? "Archived" : null)),
  ...otherKeys(METRICS, ...RESULTS, ...PACE, "validation_accuracy").map(metricColumn),
  { key: "step", title: "Steps", number: true, format: ofNumber(formatCount), value: (run) => run.step || null, descending: true },
  ...otherKeys(SETTINGS, ...USUAL_SETTINGS, "dataset").map(settingColumn),
];

const byKey = new Map(COLUMNS.map((column) => [column.key, column]));

/** @param {string} key @returns {Column|undefined} */
export const columnOf = (key) => byKey.get(key);

/** Compares two texts: run-9 before run-10. */
export const naturalOrder = new Intl.Collator("en", { numeric: true }).compare;

/**
 * Compares two runs by a column; missing values come last, whatever the direction.
 * @param {Column} column @param {1|-1} direction @returns {(a: ListedRun, b: ListedRun) => number}
 */
export function comparator(column, direction) {
  return (a, b) => {
    const [x, y] = [column.value(a), column.value(b)];
    if (isMissing(x) || isMissing(y)) return Number(isMissing(x)) - Number(isMissing(y));
    return direction * (typeof x === "string" ? naturalOrder(x, String(y)) : Number(x) - Number(y));
  };
}

/**
 * The best value of a column for each dataset; none for a dataset with a single run, which has nothing to be better than.
 * @param {Column} column one with `best` @param {ListedRun[]} runs completed ones
 * @returns {Map<string, number>}
 */
export function bestValues(column, runs) {
  const sign = column.best ?? 1;
  /** @type {Map<string, number>} */
  const best = new Map();
  for (const [dataset, group] of Map.groupBy(runs, (run) => run.dataset)) {
    const values = group.map(column.value).filter(isNumber);
    if (values.length > 1) best.set(dataset, sign * Math.max(...values.map((value) => sign * value)));
  }
  return best;
}

/**
 * The best values in words, one sentence for each dataset: "Best test accuracy on MNIST: 98.96 % (run-5)".
 * @param {Column} column @param {ListedRun[]} runs completed ones
 */
export function describeBest(column, runs) {
  return [...bestValues(column, runs)].sort().map(([dataset, best]) => {
    const [first, ...others] = runs.filter((run) => run.dataset === dataset && column.value(run) === best);
    const more = others.length ? ` and ${others.length} more` : "";
    return `Best ${column.title.toLowerCase()} on ${dataset}: ${column.format(best)} (${first.name}${more})`;
  });
}

/**
 * A value against the baseline's, with its sign; shares in percentage points. Empty if either is missing.
 * @param {Column} column @param {Value} value @param {Value} base
 */
export function formatDifference(column, value, base) {
  if (!isNumber(value) || !isNumber(base)) return "";
  const change = value - base;
  return change === 0 ? "±0" : `${change > 0 ? "+" : "−"}${formatSize(column, Math.abs(change))}`;
}

/**
 * A difference or deviation without sign: two digits, since four would be wider than the column.
 * @param {Column} column @param {number} size
 */
export function formatSize(column, size) {
  if (column.percent) return (100 * size).toFixed(2);
  return size < 1 ? String(Number(size.toPrecision(2))) : column.format(size);
}

/**
 * Mean and sample standard deviation of a metric, over those runs that have it; null if none has.
 * @param {Column} column @param {ListedRun[]} runs
 * @returns {{count: number, mean: number, sd: number|null, half: number|null}|null} `half` of the interval of the mean
 */
export function summarize(column, runs) {
  const values = runs.map(column.value).filter(isNumber);
  if (!values.length) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  if (values.length < 2) return { count: 1, mean, sd: null, half: null };
  const sd = Math.sqrt(squares / (values.length - 1));
  return { count: values.length, mean, sd, half: halfInterval(sd, values.length, column.resolution?.(runs[0])) };
}

/**
 * The confidence interval of a mean: "±0.10", or its two ends if it would pass 0 or 100 %, which no share can.
 * @param {Column} column @param {number} mean @param {number} half
 */
export function formatMeanInterval(column, mean, half) {
  if (!column.percent || (mean - half >= 0 && mean + half <= 1)) return `±${formatSize(column, half)}`;
  return `${formatSize(column, Math.max(0, mean - half))} to ${formatSize(column, Math.min(1, mean + half))}`;
}
