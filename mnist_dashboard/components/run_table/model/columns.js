/** The columns of the runs table: what each shows, how it is written, how it sorts, which value is best. */
import { METRICS, SETTINGS } from "../../lib/constants.js";
import { MISSING, clock, known, loss, moment, percent, setting, whole } from "../../lib/format.js";
import { label } from "../../lib/runs/status.js";

/**
 * @typedef {object} Column
 * @property {string} key
 * @property {string} title
 * @property {(run: object) => number|string|null} value what it sorts by
 * @property {(value: any) => string} write
 * @property {boolean} [number] right-aligned
 * @property {boolean} [percent] a share, read in percent
 * @property {1|-1} [best] whether the highest or the lowest value is the best one
 * @property {boolean} [metric] a result: compared with the baseline, averaged over a group
 * @property {boolean} [setting] a hyperparameter: hidden where all are equal, runs are grouped by it
 * @property {boolean} [descending] largest first at the first click
 * @property {boolean} [usual] shown unless the reader chose others
 * @property {boolean} [curve] drawn, not written
 * @property {boolean} [words] filtered as it is written
 */

const text = (value) => (value === null || value === undefined || value === "" ? MISSING : String(value));
const named = (key, title, value) => ({ key, title, value, write: text });

/** Settings whose values are written by their labels; the values of others are short and clear enough. */
const LABELLED = ["model", "optimizer"];

function settingColumn(key) {
  const { label: title, kind, choices } = SETTINGS[key];
  const write = {
    number: setting,
    switch: (on) => (on ? "Yes" : "No"),
    choice: LABELLED.includes(key) ? (choice) => choices[choice] ?? text(choice) : text,
  }[kind];
  return { key, title, number: kind === "number", write, value: (run) => run.settings[key] ?? null, setting: true };
}

const METRIC_UNITS = {
  share: { write: percent, percent: true, descending: true },
  nats: { write: loss },
  "images/s": { write: (n) => (n > 0 ? whole(n) : MISSING), descending: true },
  seconds: { write: clock },
};
const METRIC_VALUES = { elapsed_seconds: (run) => (run.step ? run.elapsed_seconds : null) };

function metricColumn(key) {
  const { title, unit, best } = METRICS[key];
  const value = METRIC_VALUES[key] ?? ((run) => run[key] ?? null);
  return { key, title, number: true, metric: true, value, best: { high: 1, low: -1 }[best], ...METRIC_UNITS[unit] };
}

const USUAL_SETTINGS = ["batch_size", "lr", "momentum", "epochs"];
const USUAL_METRICS = ["best_validation_accuracy", "test_accuracy", "test_loss", "examples_per_second", "elapsed_seconds"];
const others = (table, ...left) => Object.keys(table).filter((key) => !left.includes(key));

const USUAL = [
  named("name", "Name", (run) => run.name),
  named("status", "Status", (run) => label(run.status)),
  named("dataset", "Dataset", (run) => run.dataset ?? null), // the one really used, which the setting may leave open
  ...USUAL_SETTINGS.map(settingColumn),
  { key: "curve", title: "Loss curve", curve: true, number: true, write: loss, value: (run) => run.loss ?? null },
  ...USUAL_METRICS.map(metricColumn),
  { key: "started_at", title: "Started", number: true, words: true, write: moment, value: (run) => run.started_at ?? null, descending: true },
  named("parent", "Parent", (run) => run.parent || null),
  named("tags", "Tags", (run) => run.tags.join(", ") || null),
];

/** @type {Column[]} every setting has one, and every metric but the latest validation, which the best one stands for */
export const COLUMNS = [
  ...USUAL.map((column) => ({ ...column, usual: true })),
  named("notes", "Notes", (run) => run.notes.split("\n", 1)[0] || null),
  named("starred", "Starred", (run) => (run.starred ? "Starred" : null)),
  named("archived", "Archived", (run) => (run.archived ? "Archived" : null)),
  ...others(METRICS, ...USUAL_METRICS, "validation_accuracy").map(metricColumn),
  { key: "step", title: "Steps", number: true, write: whole, value: (run) => run.step || null, descending: true },
  ...others(SETTINGS, ...USUAL_SETTINGS, "dataset").map(settingColumn),
];

const byKey = new Map(COLUMNS.map((column) => [column.key, column]));

/** @returns {Column|undefined} */
export const columnOf = (key) => byKey.get(key);

const names = new Intl.Collator("en", { numeric: true }); // run-9 before run-10

/** Compares two runs by a column; missing values come last, whatever the direction. */
export function compare(column, direction) {
  return (a, b) => {
    const [x, y] = [column.value(a), column.value(b)];
    const [noX, noY] = [x === null || x === "", y === null || y === ""];
    if (noX || noY) return noX - noY;
    return direction * (typeof x === "string" ? names.compare(x, y) : x - y);
  };
}

/**
 * The best value of a column for each dataset, among finished runs; nothing where there is nothing to compare.
 * @param {Column} column @param {object[]} runs completed ones
 * @returns {Map<string, number>}
 */
export function bestValues(column, runs) {
  const found = new Map();
  const counts = new Map();
  for (const run of runs) {
    const value = column.value(run);
    if (!known(value)) continue;
    counts.set(run.dataset, (counts.get(run.dataset) ?? 0) + 1);
    const best = found.get(run.dataset);
    if (best === undefined || (value - best) * column.best > 0) found.set(run.dataset, value);
  }
  for (const [dataset, count] of counts) if (count < 2) found.delete(dataset);
  return found;
}

/** A value against the baseline's, with its sign; shares in percentage points. */
export function difference(column, value, base) {
  if (!known(value) || !known(base)) return "";
  const by = value - base;
  return by === 0 ? "±0" : `${by > 0 ? "+" : "−"}${sizeOf(column, Math.abs(by))}`;
}

/** How far apart values of a column are: two digits say it, four would be wider than the column. */
export function sizeOf(column, size) {
  if (column.percent) return (100 * size).toFixed(2);
  return size < 1 ? String(Number(size.toPrecision(2))) : column.write(size);
}

/** Mean and sample standard deviation of a metric, over those runs that have it. @returns {{n: number, mean: number, sd: number|null}|null} */
export function spread(column, runs) {
  const values = runs.map(column.value).filter(known);
  if (!values.length) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { n: values.length, mean, sd: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : null };
}
