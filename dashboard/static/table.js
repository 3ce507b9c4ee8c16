/**
 * The table of runs: a real table with a checkbox a run, sorted by its header, whose cells follow the stream. Cells are changed
 * in place, so scroll position, focus and selection stay. Rows keep their places while numbers move: they are put in order
 * when the reader sorts or Python sends other rows.
 */
import { COLUMNS, bestValues, compare } from "./columns.js";
import { make, setAttribute, setText } from "./dom.js";
import { stream } from "./stream.js";
import { palette, runColor, watchTheme } from "./theme.js";

/**
 * @typedef {object} TableData
 * @property {object[]} rows summaries, as in the stream's `run` event
 * @property {number[]} selected ids
 * @property {Object<string, number>} colors colour index of a run, by its id
 * @property {string[]|null} columns keys of the columns to show
 */

class Table {
  #data;
  #host;
  #subscription;
  #unwatch;
  #box;
  #head;
  #body;
  /** @type {import("./columns.js").Column[]} */
  #columns = [];
  /** @type {Map<number, {row: HTMLTableRowElement, tick: HTMLInputElement, swatch: HTMLElement, cells: HTMLElement[]}>} */
  #rows = new Map();
  #selected = [];
  #sent = []; // selections told to Python that it has not given back yet
  #asked = new Set(); // states Python was told of
  #sort = { key: null, direction: 1 };
  #painting = 0;

  constructor(root, data, host) {
    this.#head = make("tr");
    this.#body = make("tbody");
    const table = make("table", "mt-table", { "aria-label": "Runs, with their settings and results" },
      make("thead", "", {}, this.#head), this.#body);
    this.#box = make("div", "mt-table-box", {}, table);
    root.append(this.#box);
    this.#subscription = stream.subscribe({ runs: [], onRun: (run) => this.#onRun(run) });
    this.#unwatch = watchTheme(root, () => this.#paint());
    this.update(data, host);
  }

  /** @param {TableData} data */
  update(data, host) {
    const columns = data.columns?.map((key) => COLUMNS.find((c) => c.key === key)).filter(Boolean) ?? COLUMNS;
    this.#takeSelection(data.selected, this.#data?.selected);
    this.#data = data;
    this.#host = host;
    for (const run of data.rows) stream.offer(run);
    if (columns.map((c) => c.key).join() !== this.#columns.map((c) => c.key).join()) {
      this.#columns = columns;
      this.#rows.clear();
      this.#body.replaceChildren();
      this.#buildHead();
    }
    this.#arrange();
    this.#paint();
  }

  destroy() {
    cancelAnimationFrame(this.#painting);
    this.#unwatch();
    this.#subscription.close();
    this.#box.remove();
  }

  /**
   * Python gives back every selection it is told, late: while a newer one is on its way, an older one is only an echo, and the
   * one from before is a rerun that did not know yet. Anything else is Python's own choice.
   */
  #takeSelection(selected, before) {
    const echo = this.#sent.indexOf(selected.join());
    if (echo >= 0) {
      this.#sent.splice(0, echo + 1);
    } else if (!this.#sent.length || selected.join() !== before?.join()) {
      this.#sent = [];
      this.#selected = [...selected];
    }
  }

  #onRun(run) {
    const shown = this.#data.rows.find((row) => row.id === run.id);
    const state = `${run.id}/${run.attempt}/${run.status}`;
    if ((!shown || shown.status !== run.status || shown.attempt !== run.attempt) && !this.#asked.has(state)) {
      this.#asked.add(state);
      this.#host.setTriggerValue("changed", state);
    }
    if (shown && !this.#painting) {
      this.#painting = requestAnimationFrame(() => {
        this.#painting = 0;
        this.#paint();
      });
    }
  }

  #newest(row) {
    return stream.run(row.id) ?? row;
  }

  #buildHead() {
    const hidden = (text) => make("th", "mt-table-tick", { scope: "col", "aria-label": text });
    this.#head.replaceChildren(hidden("Selected"), hidden("Colour in the charts"), ...this.#columns.map((column) => {
      const arrow = make("span", "mt-table-arrow", { "aria-hidden": "true" });
      const button = make("button", "", { type: "button" }, column.title, arrow);
      button.addEventListener("click", () => this.#sortBy(column));
      return make("th", column.number ? "mt-table-number" : "", { scope: "col", "data-key": column.key }, button);
    }));
    this.#paintSort();
  }

  /** First click: the direction the column is read in; second: the other one; third: Python's order again. */
  #sortBy(column) {
    const first = column.descending ? -1 : 1;
    if (this.#sort.key !== column.key) this.#sort = { key: column.key, direction: first };
    else if (this.#sort.direction === first) this.#sort = { key: column.key, direction: -first };
    else this.#sort = { key: null, direction: 1 };
    this.#paintSort();
    this.#arrange();
  }

  #paintSort() {
    for (const th of this.#head.querySelectorAll("[data-key]")) {
      const direction = th.dataset.key === this.#sort.key ? this.#sort.direction : 0;
      setAttribute(th, "aria-sort", direction ? (direction > 0 ? "ascending" : "descending") : null);
      setText(th.querySelector(".mt-table-arrow"), direction ? (direction > 0 ? "↑" : "↓") : "");
    }
  }

  /** Make, drop and order rows. */
  #arrange() {
    const column = this.#columns.find((c) => c.key === this.#sort.key);
    const runs = this.#data.rows.map((row) => this.#newest(row));
    if (column) runs.sort(compare(column, this.#sort.direction));
    const wanted = new Set(runs.map((run) => run.id));
    for (const [id, { row }] of this.#rows) {
      if (wanted.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    const focused = document.activeElement;
    let place = this.#body.firstElementChild;
    for (const run of runs) {
      if (!this.#rows.has(run.id)) this.#rows.set(run.id, this.#buildRow(run));
      const { row } = this.#rows.get(run.id);
      if (row === place) place = place.nextElementSibling;
      else this.#body.insertBefore(row, place);
    }
    // A row that is moved loses the focus.
    if (this.#body.contains(focused) && document.activeElement !== focused) focused.focus({ preventScroll: true });
  }

  #buildRow(run) {
    const tick = make("input", "", { type: "checkbox" });
    tick.addEventListener("change", () => this.#toggle(run.id, tick.checked));
    const swatch = make("span", "mt-table-swatch", { "aria-hidden": "true" });
    const cells = this.#columns.map((column) => {
      if (column.key !== "name") return make("td", column.number ? "mt-table-number" : "");
      return make("th", "", { scope: "row" }, make("a", "mt-table-name", { href: `./?run=${run.id}`, target: "_self" }));
    });
    const row = make("tr", "", { "data-run": String(run.id) },
      make("td", "mt-table-tick", {}, make("label", "", {}, tick)),
      make("td", "mt-table-color", {}, swatch),
      ...cells);
    return { row, tick, swatch, cells };
  }

  #toggle(id, on) {
    const others = this.#selected.filter((other) => other !== id);
    this.#selected = on ? [...others, id] : others;
    this.#sent.push(this.#selected.join());
    this.#host.setStateValue("selected", this.#selected);
    this.#paint();
  }

  #paint() {
    const colors = palette(this.#box);
    const runs = this.#data.rows.map((row) => this.#newest(row));
    const finished = runs.filter((run) => run.status === "completed");
    const best = this.#columns.map((column) => (column.best ? bestValues(column, finished) : null));
    for (const run of runs) {
      const { row, tick, swatch, cells } = this.#rows.get(run.id);
      const ticked = this.#selected.includes(run.id);
      const index = this.#data.colors[run.id];
      tick.checked = ticked;
      setAttribute(tick, "aria-label", `Select ${run.name}`);
      setAttribute(row, "data-ticked", ticked ? "" : null);
      swatch.style.background = ticked && index !== undefined ? runColor(colors, index) : "none";
      this.#columns.forEach((column, i) => {
        const value = column.value(run);
        const text = column.write(value);
        const cell = cells[i];
        setText(column.key === "name" ? cell.firstElementChild : cell, text);
        if (column.key === "name") setAttribute(cell.firstElementChild, "title", text);
        setAttribute(cell, "data-missing", text === "–" ? "" : null);
        const winner = value !== null && run.status === "completed" && best[i]?.get(run.dataset) === value;
        cell.classList.toggle("mt-table-best", winner);
      });
    }
  }
}

export const mount = (root, data, host) => new Table(root, data, host);
