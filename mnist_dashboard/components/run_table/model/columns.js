/** The columns of the runs table: what each shows, how it is written, how it sorts, which value is best. */
import { clock, known, loss, moment, percent, setting, whole } from "../../lib/format.js";
import { label } from "../../lib/status.js";

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

const text = (value) => (value === null || value === undefined || value === "" ? "–" : String(value));
const named = (key, title, value, more = {}) => ({ key, title, value, write: text, ...more });
const ofSettings = (key, title, write = setting, number = true) => ({
  key, title, number, write, value: (run) => run.settings[key] ?? null, setting: true,
});
const metric = (key, title, write, more = {}) => ({
  key, title, number: true, metric: true, write, value: (run) => run[key] ?? null, ...more,
});

// As the sidebar writes them: NETWORKS in mnist_core/training/networks.py, CHOICE_LABELS in mnist_dashboard/train/settings_sidebar.py.
const NETWORKS = { classic: "Classic CNN", example: "PyTorch example CNN", mlp: "MLP", softmax: "Softmax regression" };
const OPTIMIZERS = { sgd: "SGD", nesterov: "SGD with Nesterov", adam: "Adam", adadelta: "Adadelta" };
const called = (names) => (name) => names[name] ?? text(name);
const usual = (column) => ({ ...column, usual: true });

/** @type {Column[]} */
export const COLUMNS = [
  usual(named("name", "Name", (run) => run.name)),
  usual(named("status", "Status", (run) => label(run.status))),
  usual(named("dataset", "Dataset", (run) => run.dataset ?? null)),
  usual(ofSettings("batch_size", "Batch size")),
  usual(ofSettings("lr", "Learning rate")),
  usual(ofSettings("momentum", "Momentum")),
  usual(ofSettings("epochs", "Epochs")),
  usual({ key: "curve", title: "Loss curve", curve: true, number: true, write: loss, value: (run) => run.loss ?? null }),
  usual(metric("best_validation_accuracy", "Best validation", percent, { best: 1, descending: true, percent: true })),
  usual(metric("test_accuracy", "Test accuracy", percent, { best: 1, descending: true, percent: true })),
  usual(metric("test_loss", "Test loss", loss, { best: -1 })),
  usual(metric("examples_per_second", "img/s", (n) => (n > 0 ? whole(n) : "–"), { descending: true })),
  usual(metric("elapsed_seconds", "Duration", clock, { value: (run) => (run.step ? run.elapsed_seconds : null) })),
  usual({ key: "started_at", title: "Started", number: true, words: true, write: moment, value: (run) => run.started_at ?? null, descending: true }),
  usual(named("parent", "Parent", (run) => run.parent || null)),
  usual(named("tags", "Tags", (run) => run.tags.join(", ") || null)),
  named("notes", "Notes", (run) => run.notes.split("\n", 1)[0] || null),
  named("starred", "Starred", (run) => (run.starred ? "Starred" : null)),
  named("archived", "Archived", (run) => (run.archived ? "Archived" : null)),
  metric("loss", "Train loss", loss, { best: -1 }),
  metric("accuracy", "Train accuracy", percent, { best: 1, descending: true, percent: true }),
  { key: "step", title: "Steps", number: true, write: whole, value: (run) => run.step || null, descending: true },
  ofSettings("model", "Network", called(NETWORKS), false),
  ofSettings("optimizer", "Optimizer", called(OPTIMIZERS), false),
  ofSettings("weight_decay", "Weight decay"),
  ofSettings("schedule", "Schedule", text, false),
  ofSettings("gamma", "Gamma"),
  ofSettings("precision", "Precision", text, false),
  ofSettings("seed", "Seed"),
  ofSettings("test_batch_size", "Test batch size"),
  ofSettings("validation_fraction", "Validation fraction"),
  ofSettings("device", "Device", text, false),
  ofSettings("save_model", "Save model", (yes) => (yes ? "Yes" : "No"), false),
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
