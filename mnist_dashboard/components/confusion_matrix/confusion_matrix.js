/**
 * The confusion matrix: which digit was read as which, over the last batches (live) or in one evaluation, and the most frequent
 * confusions in words. A grid of a hundred elements that are changed in place, so that a live matrix needs no redraw of labels.
 */
import { stream } from "../../feed/client/stream.js";
import { make, setAttribute, setText } from "../lib/dom.js";
import { drawSoon, forgetDrawing } from "../lib/drawing.js";
import { formatCount, formatPercent } from "../lib/format.js";
import { colorAt, onThemeChange, palette, readableInk } from "../lib/theme.js";
import { MatrixControls } from "./matrix_controls.js";

/** @import { Matrix } from "../lib/types" */

const DIGITS = [...Array(10).keys()];
const TONE = 0.4; // share^0.4: errors of a few percent still show
const LISTED_CONFUSIONS = 3;

/**
 * @typedef {object} MatrixData
 * @property {number|null} run
 * @property {string|null} empty
 * @property {number} height
 */

/** @param {number[]} row */
const sum = (row) => row.reduce((a, b) => a + b, 0);

/** The pairs of digits that are confused most often, with their counts. @param {Matrix} matrix */
function mostConfused(matrix) {
  return DIGITS.flatMap((i) => DIGITS.map((j) => ({ i, j, n: i === j ? 0 : matrix[i][j] })))
    .filter(({ n }) => n > 0)
    .sort((a, b) => b.n - a.n)
    .slice(0, LISTED_CONFUSIONS);
}

class ConfusionMatrix {
  #data;
  #subscription;
  #elements;
  #controls;
  #stopWatchingTheme;
  /** @type {Matrix|null} as drawn */
  #matrix = null;

  /** @param {HTMLElement} root @param {MatrixData} data */
  constructor(root, data) {
    this.#data = data;
    this.#elements = build(root);
    this.#controls = new MatrixControls(this.#elements.controls, () => this.#draw());
    this.#subscription = stream.subscribe({ runs: [], onSeries: () => this.#invalidate() });
    this.#stopWatchingTheme = onThemeChange(root, () => this.#invalidate());
    document.addEventListener("visibilitychange", this.#invalidate);
    const { grid } = this.#elements;
    grid.addEventListener("pointerover", ({ target }) => this.#explain(target instanceof HTMLElement ? target : null));
    grid.addEventListener("pointerleave", () => this.#explain(null));
    this.update(data);
  }

  /** @param {MatrixData} data */
  update(data) {
    this.#data = data;
    this.#elements.plot.style.height = `${data.height}px`;
    this.#subscription.change({ runs: data.run === null ? [] : [data.run] });
    this.#draw();
  }

  destroy() {
    forgetDrawing(this.#draw);
    document.removeEventListener("visibilitychange", this.#invalidate);
    this.#stopWatchingTheme();
    this.#subscription.close();
    this.#elements.box.remove();
  }

  #invalidate = () => {
    if (!document.hidden) drawSoon(this.#draw);
  };

  /** The counts to show, and where they come from; null while there are none. */
  #source() {
    const { run } = this.#data;
    const series = run === null ? undefined : stream.series(run);
    this.#controls.offer(series);
    if (!series) return null;
    const evaluation = this.#controls.evaluation(series);
    if (evaluation) return { matrix: evaluation.confusion, origin: `${evaluation.split}, step ${formatCount(evaluation.step)}` };
    return series.matrix && { matrix: series.matrix, origin: `the last ${formatCount(series.matrixBatches)} batches` };
  }

  #draw = () => {
    const { plot, cells, note, worstLine } = this.#elements;
    const source = this.#source();
    const matrix = source?.matrix ?? null;
    this.#matrix = matrix;
    const { sequential } = palette(plot);
    for (const i of DIGITS) {
      const total = matrix ? sum(matrix[i]) : 0;
      for (const j of DIGITS) {
        const share = matrix && total ? matrix[i][j] / total : 0;
        const color = colorAt(sequential, share ** TONE);
        const { style } = cells[i][j];
        style.backgroundColor = `rgb(${color.join(" ")})`;
        style.color = readableInk(color);
        setText(cells[i][j], matrix && share ? this.#cellText(matrix[i][j], share) : "");
      }
    }
    note.hidden = Boolean(matrix) || !this.#data.empty;
    setText(note, this.#data.empty ?? "");
    const pairs = matrix ? mostConfused(matrix) : [];
    const confusions = pairs.map(({ i, j, n }) => `${i} read as ${j} (${formatCount(n)})`).join(", ") || "none";
    setText(worstLine, matrix ? `Most confused: ${confusions}` : "");
    setAttribute(plot, "aria-label", source
      ? `Confusion matrix of ${source.origin}: rows are true digits, columns are predictions. Most confused: ${confusions}.`
      : `Confusion matrix. ${this.#data.empty ?? "No data yet."}`);
  };

  /** @param {number} count @param {number} share of its row */
  #cellText(count, share) {
    if (!this.#controls.isNormalized) return formatCount(count);
    return share < 0.001 ? "<0.1" : (100 * share).toFixed(1);
  }

  /** Show the counts behind a cell; null hides them. @param {HTMLElement|null} cell */
  #explain(cell) {
    const { tip, plot } = this.#elements;
    const [i, j] = [Number(cell?.dataset.i), Number(cell?.dataset.j)];
    tip.hidden = !this.#matrix || Number.isNaN(i);
    if (tip.hidden || !cell || !this.#matrix) return;
    const [count, total] = [this.#matrix[i][j], sum(this.#matrix[i])];
    tip.replaceChildren(
      `True ${i}, predicted ${j}`,
      make("br"),
      `${formatCount(count)} of ${formatCount(total)} images (${formatPercent(total ? count / total : 0)})`,
    );
    const left = cell.offsetLeft + cell.offsetWidth / 2 - tip.offsetWidth / 2;
    tip.style.left = `${Math.max(0, Math.min(left, plot.clientWidth - tip.offsetWidth))}px`;
    const above = cell.offsetTop - tip.offsetHeight - 4;
    tip.style.top = `${above >= 0 ? above : cell.offsetTop + cell.offsetHeight + 4}px`;
  }
}

/** @param {HTMLElement} root */
function build(root) {
  const cells = DIGITS.map((i) => DIGITS.map((j) =>
    make("div", i === j ? "mt-matrix-diagonal" : "", { "data-i": String(i), "data-j": String(j) })));
  /** @param {number} n */
  const digit = (n) => make("div", "mt-matrix-digit", {}, String(n));
  const grid = make("div", "mt-matrix-grid", {}, ...DIGITS.flatMap((i) => [digit(i), ...cells[i]]), make("div"), ...DIGITS.map(digit));
  const note = make("div", "mt-matrix-note");
  const tip = make("div", "mt-matrix-tip", { hidden: "" });
  const plot = make("div", "mt-matrix-plot", { role: "img" },
    grid,
    make("div", "mt-matrix-axis mt-matrix-axis-true", {}, "True digit"),
    make("div", "mt-matrix-axis mt-matrix-axis-predicted", {}, "Predicted digit"),
    note,
    tip);
  const worstLine = make("div", "mt-matrix-worst");
  const controls = make("div");
  const box = make("div", "mt-matrix", {}, controls, plot, worstLine);
  root.append(box);
  return { box, controls, plot, grid, cells, note, tip, worstLine };
}

/** @param {HTMLElement} root @param {MatrixData} data */
export const mount = (root, data) => new ConfusionMatrix(root, data);
