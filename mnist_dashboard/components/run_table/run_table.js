/**
 * The table of runs: a real table with a checkbox a run, sorted by its header, filtered below it, whose cells follow the stream.
 * It holds thousands of runs and builds only the rows in sight. Cells are changed in place, so scroll position, focus and
 * selection stay while numbers move; rows change places only when the reader asks, or a run appears, ends or is edited.
 */
import { columnsOf, itemsOf, shown, sorted } from "./model/arrange.js";
import { COLUMNS, bestValues } from "./model/columns.js";
import { MAX_OVERLAID } from "../lib/constants.js";
import { make, setText } from "../lib/dom.js";
import { Header } from "./header.js";
import { buildRow, paintRow } from "./rows.js";
import { askForRerun } from "../lib/rerun.js";
import { RunList } from "../../feed/client/run_list.js";
import { Selection } from "./model/selection.js";
import { TableBar } from "./toolbar.js";
import { palette, watchTheme } from "../lib/theme.js";
import { Viewport } from "./viewport.js";
import { widths } from "./widths.js";

/**
 * @typedef {object} TableData
 * @property {import("./model/arrange.js").View} view as it is when the table appears; afterwards the table tells Python
 * @property {number[]} selected ids
 * @property {Object<string, number>} colors colour index of a run, by its id
 * @property {Object<string, string>} known attempt and status of selected runs, as Python drew the page around the table
 */

const TYPING_MS = 400;
const CHOSEN_COLUMNS = "mnist-trainer.columns"; // in the browser's storage: remembered across visits
const narrow = matchMedia("(max-width: 640px)");

class Table {
  #data;
  #host;
  #view;
  #unwatch;
  #root;
  #box;
  #table;
  #columnGroup = make("colgroup");
  #pinnedBody = make("tbody", "mt-table-pinned");
  #empty = make("p", "mt-table-empty", { role: "status" });
  #pinned = new Map(); // rows by key
  #viewport;
  #header;
  #bar;
  #runs;
  #selection;
  #toggled = new Set(); // groups that the reader opened
  #items = [];
  #shown = [];
  #columns = [];
  #context = {};
  #asked = new Map(); // by run, the state Python was told of
  #painting = 0;
  #telling = 0;

  constructor(root, data, host) {
    [this.#data, this.#host, this.#view, this.#root] = [data, host, { ...data.view }, root];
    this.#selection = new Selection(data.selected, (ids) => this.#host.setStateValue("selected", ids));
    this.#header = new Header({ sort: (column) => this.#sortBy(column), filter: (where) => this.#change({ where }), tick: (on) => this.#tickAll(on) });
    this.#bar = new TableBar({
      change: (part) => this.#change(part),
      columns: (keys) => this.#chooseColumns(keys),
      selected: () => this.#selection.ids,
      clear: () => this.#select([]),
    });
    this.#build(root);
    this.#unwatch = watchTheme(root, () => this.#paint());
    this.#runs = new RunList((run, before) => this.#onRuns(run, before));
    this.#runs.fetchCurves(this.#selection.ids.slice(0, MAX_OVERLAID));
    this.#arrange();
  }

  /** @param {TableData} data */
  update(data, host) {
    [this.#data, this.#host] = [data, host];
    this.#selection.offer(data.selected);
    this.#runs.fetchCurves(this.#selection.ids.slice(0, MAX_OVERLAID));
    this.#paint();
  }

  destroy() {
    cancelAnimationFrame(this.#painting);
    clearTimeout(this.#telling);
    narrow.removeEventListener("change", this.#resized);
    this.#unwatch();
    this.#runs.destroy();
    this.#bar.destroy();
    this.#root.replaceChildren();
  }

  #resized = () => this.#arrange();

  #build(root) {
    const body = make("tbody");
    this.#table = make("table", "mt-table", { "aria-label": "Runs, with their settings and results" },
      this.#columnGroup, this.#header.element, this.#pinnedBody, body);
    this.#box = make("div", "mt-table-box", { tabindex: "-1" }, this.#table, this.#empty);
    root.append(this.#bar.element, this.#box);
    this.#viewport = new Viewport(this.#box, body, () => (narrow.matches ? 37 : 33),
      (item) => this.#buildRow(item), (built, item) => paintRow(built, item, this.#context));
    this.#box.addEventListener("scroll", () => this.#paintSoon(), { passive: true });
    this.#box.addEventListener("keydown", (event) => this.#onKey(event));
    narrow.addEventListener("change", this.#resized);
  }

  #buildRow(item) {
    const built = buildRow(item, this.#context);
    built.tick.addEventListener("click", (event) => this.#tick(built.row.dataset.key, built.tick.checked, event.shiftKey));
    built.row.querySelector(".mt-table-toggle")?.addEventListener("click", () => {
      if (!this.#toggled.delete(item.key)) this.#toggled.add(item.key);
      this.#arrange();
    });
    return built;
  }

  // ------------------------------------------------------------------ what happens

  #onRuns(run, before) {
    const moved = !run || run.deleted || !before || ["status", "attempt", "starred", "archived", "name", "tags"]
      .some((field) => String(run[field]) !== String(before[field]));
    if (run) this.#followState(run);
    if (moved) this.#arrange();
    else this.#paintSoon();
  }

  /** The page around the table says what can be done with the selected runs: it is drawn again when their state changes. */
  #followState(run) {
    const known = this.#data.known[run.id];
    const state = run.deleted ? "deleted" : `${run.attempt}/${run.status}`;
    if (known === undefined || known === state) {
      this.#asked.delete(run.id); // it may change to the same again
    } else if (this.#asked.get(run.id) !== state) {
      if (askForRerun(this.#host, `${run.id}/${state}`)) this.#asked.set(run.id, state);
    }
  }

  /** The reader chose something: show it at once, and tell Python, which keeps it in the address. */
  #change(part, soon = "search" in part || "where" in part) {
    this.#view = { ...this.#view, ...part };
    this.#arrange();
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => this.#host.setStateValue("view", this.#view), soon ? TYPING_MS : 0);
  }

  #chooseColumns(keys) {
    localStorage.setItem(CHOSEN_COLUMNS, JSON.stringify(keys));
    this.#change({ columns: keys });
  }

  #chosenColumns() {
    if (this.#view.columns.length) return this.#view.columns;
    try {
      const stored = JSON.parse(localStorage.getItem(CHOSEN_COLUMNS));
      if (Array.isArray(stored) && stored.length) return stored;
    } catch {
      localStorage.removeItem(CHOSEN_COLUMNS); // somebody else's, or damaged
    }
    return COLUMNS.filter((column) => column.usual).map((column) => column.key);
  }

  /** First click: the direction the column is read in; second: the other one; third: newest first again. */
  #sortBy(column) {
    const [first, second] = column.descending ? [`-${column.key}`, column.key] : [column.key, `-${column.key}`];
    this.#change({ sort: { [first]: second, [second]: "" }[this.#view.sort] ?? first });
  }

  #select(ids) {
    this.#selection.choose(ids);
    this.#runs.fetchCurves(ids.slice(0, MAX_OVERLAID));
    if (this.#view.differs) this.#arrange();
    else this.#paint();
  }

  #tick(key, on, withRange) {
    const index = this.#viewport.indexOf(key);
    const items = withRange && index >= 0 ? this.#viewport.itemsBetween(this.#selection.anchor, index) : [];
    const item = this.#items.find((one) => one.key === key) ?? this.#pinned.get(key).item;
    const ids = [...items, item].flatMap((one) => (one.kind === "group" ? one.runs : [one.run])).map((run) => run.id);
    this.#selection.anchor = index;
    this.#select(this.#selection.with(ids, on));
  }

  #tickAll(on) {
    this.#select(this.#selection.with(this.#shown.map((run) => run.id), on));
  }

  /** Arrow keys go from row to row in the column of what has the focus. */
  #onKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
    const row = event.target.closest("tbody tr");
    if (step === undefined || event.target.matches("input:not([type=checkbox])") || (!row && event.target !== this.#box)) return;
    event.preventDefault();
    const from = row ? this.#viewport.indexOf(row.dataset.key) : -1;
    const to = Math.min(this.#items.length - 1, Math.max(0, from + step));
    const covered = this.#header.element.offsetHeight + this.#pinnedBody.offsetHeight;
    const selector = event.target.closest("th") ? "th a, th button" : "input";
    this.#viewport.reveal(to, covered)?.row.querySelector(selector)?.focus({ preventScroll: true });
  }

  // ------------------------------------------------------------------ what is shown

  /** Filter, sort, group; then draw. */
  #arrange() {
    const all = this.#runs?.all() ?? [];
    const view = this.#view;
    this.#shown = sorted(shown(all, view), view);
    const selected = all.filter((run) => this.#selection.has(run.id));
    const keys = this.#chosenColumns();
    const columns = columnsOf(view, keys, selected.length > 1 ? selected : this.#shown);
    const pinned = view.pinned.map((id) => this.#runs?.get(id)).filter(Boolean);
    this.#items = itemsOf(this.#shown.filter((run) => !view.pinned.includes(run.id)), view, this.#toggled);
    this.#takeColumns(columns, all);
    this.#refreshContext();
    this.#showPinned(pinned);
    this.#table.setAttribute("aria-rowcount", String(this.#items.length + pinned.length + 1));
    this.#viewport.show(this.#items, pinned.length + 2);
    this.#bar.show(view, { keys, all: all.length, shown: this.#shown.length });
    this.#header.show(view, this.#shown.length > 0 && this.#shown.every((run) => this.#selection.has(run.id)));
    setText(this.#empty, this.#emptyText(all));
  }

  #emptyText(all) {
    if (this.#runs?.problem) return this.#runs.problem;
    if (!this.#runs?.loaded) return "Loading the runs…";
    if (this.#shown.length || this.#view.pinned.length) return "";
    const hidden = all.length && all.every((run) => run.archived) ? " All runs are archived: tick Archived to see them." : "";
    return `No run matches these filters.${hidden}`;
  }

  #takeColumns(columns, runs) {
    this.#columnGroup.replaceChildren(...widths(columns, runs, this.#box, this.#view.group !== "").map((width) => {
      const col = make("col");
      col.style.width = `${width}px`;
      return col;
    }));
    if (columns.map((column) => column.key).join() === this.#columns.map((column) => column.key).join()) return;
    this.#columns = columns;
    this.#viewport.clear();
    this.#pinned.clear();
    this.#pinnedBody.replaceChildren();
    this.#context.columns = columns;
    this.#header.build(columns, this.#view.where);
  }

  #showPinned(runs) {
    const items = runs.map((run) => ({ kind: "run", run, key: `pinned-${run.id}` }));
    const rows = items.map((item, i) => {
      const built = this.#pinned.get(item.key)?.built ?? this.#buildRow(item);
      this.#pinned.set(item.key, { built, item });
      built.row.setAttribute("aria-rowindex", String(i + 2));
      paintRow(built, item, this.#context);
      return built.row;
    });
    if (rows.length !== this.#pinnedBody.children.length || rows.some((row, i) => row !== this.#pinnedBody.children[i])) {
      this.#pinnedBody.replaceChildren(...rows);
    }
    this.#pinnedBody.style.top = `${this.#header.element.offsetHeight}px`;
  }

  #refreshContext() {
    const finished = this.#shown.map((run) => this.#runs.get(run.id) ?? run).filter((run) => run.status === "completed");
    this.#context = {
      columns: this.#columns,
      selected: this.#selection.set,
      colorIndex: this.#data.colors,
      colors: palette(this.#box),
      baseline: this.#runs?.get(this.#view.baseline),
      best: this.#columns.map((column) => (column.best ? bestValues(column, finished) : null)),
      view: this.#view,
    };
  }

  #paintSoon() {
    this.#painting ||= requestAnimationFrame(() => {
      this.#painting = 0;
      this.#paint();
    });
  }

  #paint() {
    this.#refreshContext();
    const newest = (run) => this.#runs.get(run.id) ?? run;
    for (const item of this.#items) {
      if (item.kind === "run") item.run = newest(item.run);
      else item.runs = item.runs.map(newest);
    }
    for (const { built, item } of this.#pinned.values()) {
      item.run = newest(item.run);
      if (built.row.isConnected) paintRow(built, item, this.#context);
    }
    this.#viewport.draw();
    this.#bar.count(this.#selection.ids.length);
    this.#header.show(this.#view, this.#shown.length > 0 && this.#shown.every((run) => this.#selection.has(run.id)));
  }
}

export const mount = (root, data, host) => new Table(root, data, host);
