/** The columns of the runs table: what each shows, how it is written, how it sorts, which value is best. */
import { clock, known, loss, moment, percent, setting, whole } from "./format.js";
import { label } from "./status.js";

/**
 * @typedef {object} Column
 * @property {string} key
 * @property {string} title
 * @property {(run: object) => number|string|null} value what it sorts by
 * @property {(value: any) => string} write
 * @property {boolean} [number] right-aligned
 * @property {1|-1} [best] whether the highest or the lowest value is the best one
 * @property {boolean} [descending] largest first at the first click
 */

const text = (value) => (value === null || value === undefined ? "–" : String(value));
const ofSettings = (key, title, write = setting, number = true) => ({
  key, title, number, write, value: (run) => run.settings[key] ?? null,
});
const numeric = (key, title, write, more = {}) => ({ key, title, number: true, write, value: (run) => run[key] ?? null, ...more });

// As the sidebar writes them: NETWORKS in mnist_core/networks.py, CHOICE_LABELS in dashboard/settings.py.
const NETWORKS = { classic: "Classic CNN", example: "PyTorch example CNN", mlp: "MLP", softmax: "Softmax regression" };
const OPTIMIZERS = { sgd: "SGD", nesterov: "SGD with Nesterov", adam: "Adam", adadelta: "Adadelta" };
const called = (names) => (name) => names[name] ?? text(name);

/** @type {Column[]} */
export const COLUMNS = [
  { key: "name", title: "Name", value: (run) => run.name, write: text },
  { key: "status", title: "Status", value: (run) => label(run.status), write: text },
  { key: "dataset", title: "Dataset", value: (run) => run.dataset ?? null, write: text },
  ofSettings("batch_size", "Batch size"),
  ofSettings("lr", "Learning rate"),
  ofSettings("momentum", "Momentum"),
  ofSettings("epochs", "Epochs"),
  numeric("best_validation_accuracy", "Best validation", percent, { best: 1, descending: true }),
  numeric("test_accuracy", "Test accuracy", percent, { best: 1, descending: true }),
  numeric("test_loss", "Test loss", loss, { best: -1 }),
  numeric("examples_per_second", "img/s", (n) => (n > 0 ? whole(n) : "–"), { descending: true }),
  { key: "elapsed_seconds", title: "Duration", number: true, write: clock, value: (run) => (run.step ? run.elapsed_seconds : null) },
  numeric("started_at", "Started", moment, { descending: true }),
  ofSettings("model", "Network", called(NETWORKS), false),
  ofSettings("optimizer", "Optimizer", called(OPTIMIZERS), false),
  ofSettings("seed", "Seed"),
  ofSettings("test_batch_size", "Test batch size"),
  ofSettings("validation_fraction", "Validation fraction"),
  ofSettings("device", "Device", text, false),
  ofSettings("save_model", "Save model", (yes) => (yes ? "Yes" : "No"), false),
];

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
