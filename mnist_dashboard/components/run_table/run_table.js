/**
 * The table of runs: a real table with a checkbox a run, sorted by its header, filtered below it, whose cells follow the stream.
 * It holds thousands of runs and builds only the rows in sight. Cells are changed in place, so scroll position, focus and
 * selection stay while numbers move; rows change places only when the reader asks, or a run appears, ends or is edited.
 */
import { RunList } from "../../feed/client/run_list.js";
import { MAX_OVERLAID } from "../lib/constants.js";
import { make, setText } from "../lib/dom.js";
import { requestRerun } from "../lib/rerun.js";
import { onThemeChange, palette } from "../lib/theme.js";
import { rememberColumns, rememberedColumns } from "./column_choice.js";
import { Header } from "./header.js";
import { filterRuns, groupRuns, sortRuns, visibleColumns } from "./model/arrange.js";
import { bestValues } from "./model/columns.js";
import { Selection } from "./model/selection.js";
import { PinnedRows } from "./pinned_rows.js";
import { buildRow, paintRow } from "./rows.js";
import { Toolbar } from "./toolbar.js";
import { Viewport } from "./viewport.js";
import { sizedColumns } from "./widths.js";

/**
 * @import { ListedRun } from "../../feed/client/run_list.js"
 * @import { Host } from "../lib/types"
 * @import { Item, View } from "./model/arrange.js"
 * @import { Column } from "./model/columns.js"
 * @import { Context } from "./rows.js"
 */

/**
 * @typedef {object} TableData
 * @property {View} view as it is when the table appears; afterwards the table sends it to Python
 * @property {number[]} selected ids
 * @property {Record<string, number>} colors colour index of a run, by its id
 * @property {Record<string, string>} known attempt and status of selected runs, as Python drew the page around the table
 */

const TYPING_MS = 400;
const ARRANGING_FIELDS = /** @type {const} */ (["status", "attempt", "starred", "archived", "name", "tags"]);
const narrow = matchMedia("(max-width: 640px)");

class RunTable {
  #data;
  #host;
  #view;
  #root;
  #body = make("tbody");
  #pinned = new PinnedRows((item) => this.#buildRow(item));
  #columnGroup = make("colgroup");
  #empty = make("p", "mt-table-empty", { role: "status" });
  #header;
  #toolbar;
  #table;
  #box;
  #viewport;
  #stopWatchingTheme;
  #runs;
  #selection;
  /** @type {Set<string>} keys of groups that the reader opened */
  #openGroups = new Set();
  /** @type {Item[]} */
  #items = [];
  /** @type {ListedRun[]} */
  #shown = [];
  /** @type {Column[]} */
  #columns = [];
  /** @type {Context} */
  #context;
  /** @type {Map<number, string>} by id of the run, the state for which a rerun was requested */
  #requested = new Map();
  #painting = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #sending;

  /** @param {HTMLElement} root @param {TableData} data @param {Host} host */
  constructor(root, data, host) {
    this.#root = root;
    this.#data = data;
    this.#host = host;
    this.#view = { ...data.view };
    this.#selection = new Selection(data.selected, (ids) => this.#host.setStateValue("selected", ids));
    this.#header = new Header({
      sort: (column) => this.#sortBy(column),
      filter: (where) => this.#change({ where }),
      tickAll: (ticked) => this.#tickAll(ticked),
    });
    this.#toolbar = new Toolbar(this.#view, {
      change: (part) => this.#change(part),
      chooseColumns: (keys) => this.#chooseColumns(keys),
      selected: () => this.#selection.ids,
      clearSelection: () => this.#select([]),
    });
    this.#table = make("table", "mt-table", { "aria-label": "Runs, with their settings and results" },
      this.#columnGroup, this.#header.element, this.#pinned.element, this.#body);
    this.#box = make("div", "mt-table-box", { tabindex: "-1" }, this.#table, this.#empty);
    root.append(this.#toolbar.element, this.#box);
    this.#viewport = new Viewport(this.#box, this.#body, {
      rowHeight: () => (narrow.matches ? 37 : 33),
      covered: () => this.#header.element.offsetHeight + this.#pinned.element.offsetHeight,
      build: (item) => this.#buildRow(item),
      paint: (built, item) => paintRow(built, item, this.#context),
    });
    this.#runs = new RunList((run, before) => this.#onRuns(run, before));
    this.#runs.fetchCurves(this.#selection.ids.slice(0, MAX_OVERLAID));
    this.#context = this.#currentContext();
    this.#listen();
    this.#stopWatchingTheme = onThemeChange(root, () => this.#paint());
    this.#arrange();
  }

  /** @param {TableData} data @param {Host} host */
  update(data, host) {
    this.#data = data;
    this.#host = host;
    this.#selection.receive(data.selected);
    this.#runs.fetchCurves(this.#selection.ids.slice(0, MAX_OVERLAID));
    this.#paint();
  }

  destroy() {
    cancelAnimationFrame(this.#painting);
    clearTimeout(this.#sending);
    narrow.removeEventListener("change", this.#onResize);
    this.#stopWatchingTheme();
    this.#runs.destroy();
    this.#toolbar.destroy();
    this.#root.replaceChildren();
  }

  #onResize = () => this.#arrange();

  #listen() {
    this.#box.addEventListener("scroll", () => this.#paintSoon(), { passive: true });
    narrow.addEventListener("change", this.#onResize);
  }

  /** @param {Item} item */
  #buildRow(item) {
    const built = buildRow(item, this.#context);
    built.tick.addEventListener("click", (event) => this.#tick(item.key, built.tick.checked, event.shiftKey));
    built.row.querySelector(".mt-table-toggle")?.addEventListener("click", () => {
      if (!this.#openGroups.delete(item.key)) this.#openGroups.add(item.key);
      this.#arrange();
    });
    return built;
  }

  // ------------------------------------------------------------------ changes of runs

  /** @param {ListedRun|null} run @param {ListedRun} [before] */
  #onRuns(run, before) {
    if (run) this.#followState(run);
    const isMoved = !run || run.deleted || !before || ARRANGING_FIELDS.some((field) => String(run[field]) !== String(before[field]));
    if (isMoved) this.#arrange();
    else this.#paintSoon();
  }

  /** The page around the table offers actions on the selected runs: it is drawn again when their state changes. @param {ListedRun} run */
  #followState(run) {
    const known = this.#data.known[run.id];
    const state = run.deleted ? "deleted" : `${run.attempt}/${run.status}`;
    if (known === undefined || known === state) {
      this.#requested.delete(run.id); // it may change to the same state again
    } else if (this.#requested.get(run.id) !== state && requestRerun(this.#host, `${run.id}/${state}`)) {
      this.#requested.set(run.id, state);
    }
  }

  // ------------------------------------------------------------------ actions of the reader

  /** Show a choice of the reader at once, and send it to Python, which keeps it in the address. @param {Partial<View>} part */
  #change(part) {
    const isTyping = "search" in part || "where" in part;
    this.#view = { ...this.#view, ...part };
    this.#arrange();
    clearTimeout(this.#sending);
    this.#sending = setTimeout(() => this.#host.setStateValue("view", this.#view), isTyping ? TYPING_MS : 0);
  }

  /** @param {string[]} keys */
  #chooseColumns(keys) {
    rememberColumns(keys);
    this.#change({ columns: keys });
  }

  /** First click: the direction in which the column is read; second: the other one; third: newest first again. @param {Column} column */
  #sortBy({ key, descending }) {
    const [first, second] = descending ? [`-${key}`, key] : [key, `-${key}`];
    this.#change({ sort: this.#view.sort === first ? second : this.#view.sort === second ? "" : first });
  }

  /** @param {number[]} ids */
  #select(ids) {
    this.#selection.choose(ids);
    this.#runs.fetchCurves(ids.slice(0, MAX_OVERLAID));
    if (this.#view.differs) this.#arrange();
    else this.#paint();
  }

  /** @param {string} key of a row @param {boolean} ticked @param {boolean} withRange also the rows since the last one ticked */
  #tick(key, ticked, withRange) {
    const index = this.#viewport.indexOf(key);
    const item = this.#items[index] ?? this.#pinned.itemOf(key);
    const range = withRange && index >= 0 ? this.#viewport.itemsBetween(this.#selection.anchor, index) : [];
    const runs = [...range, item].flatMap((each) => (each.kind === "group" ? each.runs : [each.run]));
    this.#selection.anchor = index;
    this.#select(this.#selection.with(runs.map((run) => run.id), ticked));
  }

  /** @param {boolean} ticked */
  #tickAll(ticked) {
    this.#select(this.#selection.with(this.#shown.map((run) => run.id), ticked));
  }

  // ------------------------------------------------------------------ drawing

  /** Filter, sort, group; then draw. */
  #arrange() {
    const all = this.#runs.all();
    const view = this.#view;
    this.#shown = sortRuns(filterRuns(all, view), view);
    const selected = all.filter((run) => this.#selection.has(run.id));
    const keys = view.columns.length ? view.columns : rememberedColumns();
    this.#setColumns(visibleColumns(view, keys, selected.length > 1 ? selected : this.#shown), all);
    this.#context = this.#currentContext();
    const pinned = view.pinned.map((id) => this.#runs.get(id)).filter((run) => run !== undefined);
    this.#items = groupRuns(this.#shown.filter((run) => !view.pinned.includes(run.id)), view, this.#openGroups);
    this.#pinned.show(pinned, this.#context, this.#header.element.offsetHeight);
    this.#table.setAttribute("aria-rowcount", String(this.#items.length + pinned.length + 1));
    this.#viewport.show(this.#items, pinned.length + 2);
    this.#toolbar.show(view, { keys, all: all.length, shown: this.#shown.length });
    this.#showHeader();
    setText(this.#empty, this.#emptyText(all));
  }

  #showHeader() {
    this.#header.show(this.#view, this.#shown.length > 0 && this.#shown.every((run) => this.#selection.has(run.id)));
  }

  /** @param {ListedRun[]} all */
  #emptyText(all) {
    if (this.#runs.problem) return this.#runs.problem;
    if (!this.#runs.loaded) return "Loading the runs…";
    if (this.#shown.length || this.#view.pinned.length) return "";
    const hint = all.length && all.every((run) => run.archived) ? " All runs are archived: tick Archived to see them." : "";
    return `No run matches these filters.${hint}`;
  }

  /** @param {Column[]} columns @param {ListedRun[]} runs */
  #setColumns(columns, runs) {
    this.#columnGroup.replaceChildren(...sizedColumns(columns, runs, this.#box, this.#view.group !== ""));
    if (columns.map((column) => column.key).join() === this.#columns.map((column) => column.key).join()) return;
    this.#columns = columns;
    this.#viewport.clear();
    this.#pinned.clear();
    this.#header.build(columns, this.#view.where);
  }

  /** @returns {Context} */
  #currentContext() {
    const completed = this.#shown.map((run) => this.#newest(run)).filter((run) => run.status === "completed");
    return {
      columns: this.#columns,
      selected: this.#selection.set,
      colorIndex: this.#data.colors,
      colors: palette(this.#box),
      baseline: this.#runs.get(this.#view.baseline),
      best: this.#columns.map((column) => (column.best ? bestValues(column, completed) : null)),
      view: this.#view,
    };
  }

  /** @param {ListedRun} run */
  #newest(run) {
    return this.#runs.get(run.id) ?? run;
  }

  #paintSoon() {
    this.#painting ||= requestAnimationFrame(() => {
      this.#painting = 0;
      this.#paint();
    });
  }

  #paint() {
    this.#context = this.#currentContext();
    for (const item of this.#items) {
      if (item.kind === "run") item.run = this.#newest(item.run);
      else item.runs = item.runs.map((run) => this.#newest(run));
    }
    this.#pinned.paint((run) => this.#newest(run), this.#context);
    this.#viewport.draw();
    this.#toolbar.showSelection();
    this.#showHeader();
  }
}

/** @param {HTMLElement} root @param {TableData} data @param {Host} host */
export const mount = (root, data, host) => new RunTable(root, data, host);
