/**
 * The confusion matrix: which digit was read as which, over the last batches (live) or in one evaluation, and the worst mix-ups
 * in words. A grid of a hundred elements that are changed in place, so that a live matrix needs no redraw of labels.
 */
import { make, setAttribute, setText } from "../lib/dom.js";
import { percent, whole } from "../lib/format.js";
import { MatrixControls } from "./matrix_controls.js";
import { stream } from "../../feed/client/stream.js";
import { ink, mix, palette, watchTheme } from "../lib/theme.js";

const DIGITS = [...Array(10).keys()];
const INTERVAL_MS = 250;
const TONE = 0.4; // share^0.4: errors of a few percent still show
const WORST = 3;

/**
 * @typedef {object} MatrixData
 * @property {number|null} run
 * @property {string|null} empty
 * @property {number} height
 */

const sum = (row) => row.reduce((a, b) => a + b, 0);

/** The pairs that are mixed up most often, with their counts. */
function worst(matrix) {
  return DIGITS.flatMap((i) => DIGITS.map((j) => ({ i, j, n: i === j ? 0 : matrix[i][j] })))
    .filter(({ n }) => n > 0)
    .sort((a, b) => b.n - a.n)
    .slice(0, WORST);
}

class Matrix {
  #data;
  #subscription;
  #elements;
  #controls;
  #unwatch;
  #timer = 0;
  #drawnAt = -Infinity;
  #matrix = null;

  constructor(root, data) {
    this.#elements = build(root);
    this.#controls = new MatrixControls(this.#elements.controls, () => this.#draw());
    this.#subscription = stream.subscribe({ runs: [], onSeries: () => this.#invalidate() });
    this.#unwatch = watchTheme(root, () => this.#invalidate());
    document.addEventListener("visibilitychange", this.#invalidate);
    const { grid } = this.#elements;
    grid.addEventListener("pointerover", (event) => this.#point(event.target));
    grid.addEventListener("pointerleave", () => this.#point(null));
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
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.#invalidate);
    this.#unwatch();
    this.#subscription.close();
    this.#elements.box.remove();
  }

  #invalidate = () => {
    if (this.#timer || document.hidden) return;
    const wait = Math.max(0, INTERVAL_MS - (performance.now() - this.#drawnAt));
    this.#timer = setTimeout(() => this.#draw(), wait);
  };

  /** The counts to show, and what they are of; null while there are none. */
  #source() {
    const { run } = this.#data;
    const series = run === null ? undefined : stream.series(run);
    this.#controls.offer(series);
    if (!series) return null;
    const evaluation = this.#controls.evaluation(series);
    if (evaluation) return { matrix: evaluation.confusion, of: `${evaluation.split}, step ${whole(evaluation.step)}` };
    return series.matrix && { matrix: series.matrix, of: `the last ${whole(series.matrixBatches)} batches` };
  }

  #draw() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#drawnAt = performance.now();
    const { plot, cells, note, worstLine } = this.#elements;
    const source = this.#source();
    const matrix = source?.matrix ?? null;
    this.#matrix = matrix;
    const { sequential } = palette(plot);
    for (const i of DIGITS) {
      const total = matrix ? sum(matrix[i]) : 0;
      for (const j of DIGITS) {
        const share = total ? matrix[i][j] / total : 0;
        const color = mix(sequential, share ** TONE);
        const { style } = cells[i][j];
        style.backgroundColor = `rgb(${color.join(" ")})`;
        style.color = ink(color);
        setText(cells[i][j], share ? this.#written(matrix[i][j], share) : "");
      }
    }
    note.hidden = Boolean(matrix) || !this.#data.empty;
    setText(note, this.#data.empty ?? "");
    const pairs = matrix ? worst(matrix) : [];
    const said = pairs.map(({ i, j, n }) => `${i} read as ${j} (${whole(n)})`).join(", ");
    setText(worstLine, matrix ? `Most confused: ${said || "none"}` : "");
    setAttribute(plot, "aria-label", matrix
      ? `Confusion matrix of ${source.of}: rows are true digits, columns are predictions. Most confused: ${said || "none"}.`
      : `Confusion matrix. ${this.#data.empty ?? "No data yet."}`);
  }

  #written(count, share) {
    if (!this.#controls.normalise) return whole(count);
    return share < 0.001 ? "<0.1" : (100 * share).toFixed(1);
  }

  /** Explain a cell. @param {HTMLElement|null} cell */
  #point(cell) {
    const { tip, plot } = this.#elements;
    const [i, j] = [Number(cell?.dataset.i), Number(cell?.dataset.j)];
    tip.hidden = !this.#matrix || Number.isNaN(i);
    if (tip.hidden) return;
    const [count, total] = [this.#matrix[i][j], sum(this.#matrix[i])];
    tip.replaceChildren(
      `True ${i}, predicted ${j}`,
      make("br"),
      `${whole(count)} of ${whole(total)} images (${percent(total ? count / total : 0)})`,
    );
    const left = cell.offsetLeft + cell.offsetWidth / 2 - tip.offsetWidth / 2;
    tip.style.left = `${Math.max(0, Math.min(left, plot.clientWidth - tip.offsetWidth))}px`;
    const above = cell.offsetTop - tip.offsetHeight - 4;
    tip.style.top = `${above >= 0 ? above : cell.offsetTop + cell.offsetHeight + 4}px`;
  }
}

function build(root) {
  const cells = DIGITS.map((i) => DIGITS.map((j) =>
    make("div", i === j ? "mt-matrix-diagonal" : "", { "data-i": String(i), "data-j": String(j) })));
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
  const controls = make("div", "mt-matrix-controls");
  const box = make("div", "mt-matrix", {}, controls, plot, worstLine);
  root.append(box);
  return { box, controls, plot, grid, cells, note, tip, worstLine };
}

export const mount = (root, data) => new Matrix(root, data);
