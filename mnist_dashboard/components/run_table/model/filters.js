/** What is typed into the search field and below a column's title, as conditions on runs. Pure. */

/** @typedef {import("./columns.js").Column} Column */

const NUMBER = String.raw`[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?`;
const COMPARISON = new RegExp(`^(<=|>=|<|>|=)?(${NUMBER})(%?)$`, "i");
const RANGE = new RegExp(`^(${NUMBER})(%?)\\.\\.(${NUMBER})(%?)$`, "i");
const TESTS = {
  "<": (a, b) => a < b,
  ">": (a, b) => a > b,
  "<=": (a, b) => a <= b,
  ">=": (a, b) => a >= b,
};

/**
 * A condition on one column: `>0.1`, `<=3`, `1..5`, `64` for numbers (shares also in percent: `>98`), words for texts, `-` for
 * runs without a value. Anything else looks for the text as it is written in the cell.
 * @param {Column} column @param {string} typed
 * @returns {(run: object) => boolean}
 */
export function condition(column, typed) {
  const text = typed.trim().toLowerCase();
  if (text === "-" || text === "–") return (run) => isMissing(column.value(run));
  const numeric = column.number && !column.words ? numericTest(column, text.replaceAll(/[\s\u202f]/g, "")) : null;
  if (numeric) {
    return (run) => {
      const value = column.value(run);
      return typeof value === "number" && numeric(value);
    };
  }
  return (run) => column.write(column.value(run)).toLowerCase().includes(text);
}

export const isMissing = (value) => value === null || value === undefined || value === "";

function numericTest(column, text) {
  const range = RANGE.exec(text);
  if (range) {
    const [low, high] = [scaled(column, range[1], range[2] || range[4]), scaled(column, range[3], range[2] || range[4])];
    return (value) => value >= low && value <= high;
  }
  const comparison = COMPARISON.exec(text);
  if (!comparison) return null;
  const wanted = scaled(column, comparison[2], comparison[3]);
  const test = TESTS[comparison[1]];
  // What is written in a cell is rounded: "97.5" finds 97.50 %.
  return test ? (value) => test(value, wanted) : (value) => Math.abs(value - wanted) <= 1e-9 + 1e-3 * Math.abs(wanted);
}

/** Accuracies are kept as fractions and read in percent. */
function scaled(column, digits, percent) {
  const number = Number(digits);
  return column.percent && (percent || Math.abs(number) > 1) ? number / 100 : number;
}

const searched = new WeakMap(); // the text of a run, as long as its summary is the same object

/** Whether every word occurs in a run's name, tags, notes or state. @param {string} typed @returns {(run: object) => boolean} */
export function search(typed) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return (run) => {
    if (!searched.has(run)) {
      searched.set(run, [run.name, ...run.tags, run.notes, run.status, run.dataset].join("\n").toLowerCase());
    }
    return words.every((word) => searched.get(run).includes(word));
  };
}
