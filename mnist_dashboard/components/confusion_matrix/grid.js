/**
 * The grid of the matrix: a hundred cells that are changed in place, and one place in the order of Tab. Arrows, Home, End, Page Up and
 * Page Down move within it; Enter, Space or a click choose a cell. The cell under the pointer, or else the one with the focus, is
 * explained in a tip.
 */
import { make, setAttribute, setText } from "../lib/dom.js";
import { colorAt, palette, readableInk } from "../lib/theme.js";
import { DIGITS, cellText, describeCell, nextCell, sum } from "./cells.js";

/** @import { Matrix } from "../lib/types" */
/** @import { Cell } from "./cells.js" */

const TONE = 0.4; // share^0.4: errors of a few percent still show

export class MatrixGrid {
  #cells = DIGITS.map((i) => DIGITS.map((j) => make("div", i === j ? "mt-matrix-diagonal" : "", {
    role: "gridcell", tabindex: "-1", "data-cell": `${i}${j}`,
  })));
  #rowHeads = DIGITS.map((n) => make("div", "mt-matrix-digit", { role: "rowheader" }, String(n)));
  #columnHeads = DIGITS.map((n) => make("div", "mt-matrix-digit mt-matrix-foot", { role: "columnheader" }, String(n)));
  #corner = make("div", "mt-matrix-foot", { role: "presentation" });
  #tip = make("div", "mt-matrix-tip", { hidden: "" });
  #grid;
  element;
  /** @type {Cell} the cell that Tab leads to */
  #current = [0, 0];
  /** @type {Cell|null} */
  #hovered = null;
  #isFocused = false;
  /** @type {Matrix|null} */
  #matrix = null;
  /** @type {string[]} what each cell was drawn from */
  #painted = [];
  #onChoose;

  /** @param {(cell: Cell) => void} onChoose */
  constructor(onChoose) {
    this.#onChoose = onChoose;
    const header = make("div", "mt-matrix-row", { role: "row" }, this.#corner, ...this.#columnHeads);
    const rows = DIGITS.map((i) => make("div", "mt-matrix-row", { role: "row" }, this.#rowHeads[i], ...this.#cells[i]));
    // The header is first for screen readers, and last on the screen (order, in the style sheet).
    this.#grid = make("div", "mt-matrix-grid", { role: "grid" }, header, ...rows);
    this.element = make("div", "mt-matrix-cells", {}, this.#grid, this.#tip);
    this.#cell(this.#current).tabIndex = 0;
    this.#grid.addEventListener("pointerover", (event) => this.#hover(cellOf(event.target)));
    this.#grid.addEventListener("pointerleave", () => this.#hover(null));
    this.#grid.addEventListener("focusin", (event) => this.#onFocus(cellOf(event.target)));
    this.#grid.addEventListener("focusout", () => this.#onFocus(null));
    this.#grid.addEventListener("keydown", (event) => this.#onKey(event));
    this.#grid.addEventListener("click", (event) => this.#choose(cellOf(event.target)));
  }

  /** Mark the cell whose images are shown; null for none. @param {Cell|null} chosen */
  mark(chosen) {
    if (chosen && !this.#isFocused) this.#onlyTabTo(chosen);
    for (const i of DIGITS) {
      for (const j of DIGITS) setAttribute(this.#cell([i, j]), "aria-selected", String(i === chosen?.[0] && j === chosen?.[1]));
    }
  }

  /** @param {Matrix|null} matrix @param {boolean} isNormalized @param {string} label of the grid */
  draw(matrix, isNormalized, label) {
    this.#matrix = matrix;
    const { sequential } = palette(this.#grid);
    for (const i of DIGITS) {
      const total = matrix ? sum(matrix[i]) : 0;
      for (const j of DIGITS) this.#drawCell([i, j], matrix?.[i][j] ?? null, total, isNormalized, sequential);
    }
    setAttribute(this.#grid, "aria-label", label);
    this.#explain();
  }

  /** @param {Cell} at @param {number|null} count @param {number} total @param {boolean} isNormalized @param {string[]} scale */
  #drawCell(at, count, total, isNormalized, scale) {
    const [i, j] = at;
    const content = `${count}/${total}/${isNormalized}/${scale[0]}`;
    if (this.#painted[10 * i + j] === content) return;
    this.#painted[10 * i + j] = content;
    const cell = this.#cell(at);
    const color = colorAt(scale, total ? ((count ?? 0) / total) ** TONE : 0);
    cell.style.backgroundColor = `rgb(${color.join(" ")})`;
    cell.style.color = readableInk(color);
    setText(cell, cellText(count ?? 0, total, isNormalized));
    setAttribute(cell, "aria-label", count === null ? `${i} read as ${j}: no data yet` : describeCell(at, count, total));
  }

  /** @param {Cell} cell */
  #cell([i, j]) {
    return this.#cells[i][j];
  }

  /** @param {Cell|null} cell */
  #hover(cell) {
    this.#hovered = cell;
    this.#explain();
  }

  /** @param {Cell|null} cell */
  #onFocus(cell) {
    this.#isFocused = cell !== null;
    if (cell) this.#onlyTabTo(cell);
    this.#explain();
  }

  /** @param {Cell} cell */
  #onlyTabTo(cell) {
    this.#cell(this.#current).tabIndex = -1;
    this.#current = cell;
    this.#cell(cell).tabIndex = 0;
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key === "Escape") this.#tip.hidden = true;
    if ((event.key === "Enter" || event.key === " ") && !event.ctrlKey) {
      event.preventDefault();
      this.#choose(cellOf(event.target));
    }
    const next = nextCell(this.#current, event);
    if (!next) return;
    event.preventDefault();
    this.#hovered = null;
    this.#cell(next).focus();
  }

  /** @param {Cell|null} cell */
  #choose(cell) {
    if (cell && this.#matrix) this.#onChoose(cell);
  }

  /** Name the counts behind the cell under the pointer or with the focus, and mark its row and column. */
  #explain() {
    const cell = this.#hovered ?? (this.#isFocused ? this.#current : null);
    this.#rowHeads.forEach((head, n) => head.toggleAttribute("data-marked", n === cell?.[0]));
    this.#columnHeads.forEach((head, n) => head.toggleAttribute("data-marked", n === cell?.[1]));
    this.#tip.hidden = !cell || !this.#matrix;
    if (!cell || !this.#matrix) return;
    const row = this.#matrix[cell[0]];
    setText(this.#tip, describeCell(cell, row[cell[1]], sum(row)));
    const { offsetLeft, offsetTop, offsetWidth, offsetHeight } = this.#cell(cell);
    const left = offsetLeft + offsetWidth / 2 - this.#tip.offsetWidth / 2;
    this.#tip.style.left = `${Math.max(0, Math.min(left, this.element.clientWidth - this.#tip.offsetWidth))}px`;
    const above = offsetTop - this.#tip.offsetHeight - 4;
    this.#tip.style.top = `${above >= 0 ? above : offsetTop + offsetHeight + 4}px`;
  }
}

/** @param {EventTarget|null} target @returns {Cell|null} */
function cellOf(target) {
  const place = target instanceof HTMLElement ? target.dataset.cell : undefined;
  return place ? [Number(place[0]), Number(place[1])] : null;
}
