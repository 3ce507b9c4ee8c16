/**
 * The table of runs: a real table with a checkbox a run, sorted by its header, filtered below it, whose cells follow the stream.
 * It holds thousands of runs and builds only the rows in sight. Cells are changed in place, so scroll position, focus and
 * selection stay while numbers move; rows change places only when the reader asks, or a run appears, ends or is edited.
 */
import { RunList } from "../../feed/client/run_list.js";
import { MAX_OVERLAID } from "../lib/constants.js";
import { make, setText } from "../lib/dom.js";
import { onThemeChange } from "../lib/theme.js";
import { rememberColumns, rememberedColumns } from "./columns/column_choice.js";
import { TableColumns } from "./columns/table_columns.js";
import { Header } from "./header.js";
import { conditionProblems, filterRuns, groupRuns, sortRuns, visibleColumns } from "./model/arrange.js";
import { Selection } from "./model/selection.js";
import { Notices, emptyText } from "./notices.js";
import { NameEditor } from "./rows/name_editor.js";
import { PinnedRows } from "./rows/pinned_rows.js";
import { listenToRow } from "./rows/row_actions.js";
import { buildRow, paintRow } from "./rows/rows.js";
import { Viewport } from "./rows/viewport.js";
import { StateFollower } from "./state_follower.js";
import { Toolbar } from "./toolbar.js";

/**
 * @import { ListedRun } from "../../feed/client/run_list.js"
 * @import { Host } from "../lib/types"
 * @import { Item, View } from "./model/arrange.js"
 * @import { Column } from "./model/columns.js"
 * @import { Outcome } from "./rows/name_editor.js"
 * @import { Context } from "./rows/rows.js"
 */

/**
 * @typedef {object} TableData
 * @property {View} view as it is when the table appears; afterwards the table sends it to Python
 * @property {number[]} selected ids
 * @property {Record<string, number>} colors colour index of a run, by its id
 * @property {number} restored how often Back or Forward has restored an earlier view
 * @property {boolean} can_edit whether the reader may star and rename
 * @property {Outcome|null} edit what became of the latest new name
 * @property {Record<string, string>} known attempt and status of selected runs, as Python drew the page around the table
 */

const TYPING_MS = 400;
const ARRANGING_FIELDS = /** @type {const} */ (["status", "attempt", "starred", "archived", "name", "tags"]);

class RunTable {
  #data;
  #host;
  #view;
  #root;
  #body = make("tbody");
  #pinned = new PinnedRows((item) => this.#buildRow(item));
  #empty = make("p", "mt-table-empty", { role: "status" });
  #header;
  #toolbar;
  #table;
  #box;
  #viewport;
  #columns;
  #stopWatchingTheme;
  #runs;
  #selection;
  /** @type {Set<string>} keys of groups that the reader opened */
  #openGroups = new Set();
  /** @type {Item[]} */
  #items = [];
  /** @type {ListedRun[]} */
  #shown = [];
  #notices = new Notices(() => this.#clearInvalidFilters());
  #editor = new NameEditor(
    (edit) => this.#host.setStateValue("edit", edit),
    (problem) => this.#notices.showEditProblem(problem),
  );
  /** @type {Context} */
  #context;
  #follower = new StateFollower();
  #painting = 0;
  #sent = Date.now(); // number of the latest message: Python takes each once
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #sending;

  /** @param {HTMLElement} root @param {TableData} data @param {Host} host */
  constructor(root, data, host) {
    this.#root = root;
    this.#data = data;
    this.#host = host;
    this.#view = { ...data.view };
    this.#selection = new Selection(data.selected, (ids) => this.#host.setStateValue("selected", { ids, count: ++this.#sent }));
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
      this.#header.element, this.#pinned.element, this.#body);
    this.#box = make("div", "mt-table-box", { tabindex: "-1" }, this.#table, this.#empty);
    root.append(this.#toolbar.element, this.#notices.above, this.#box, this.#notices.caption);
    this.#columns = new TableColumns(this.#table, this.#box, () => this.#root.isConnected && this.#arrange());
    this.#resized.observe(this.#box);
    this.#viewport = new Viewport(this.#box, this.#body, {
      rowHeight: () => (this.#columns.isNarrow ? 37 : 33),
      covered: () => this.#header.element.offsetHeight + this.#pinned.element.offsetHeight,
      build: (item) => this.#buildRow(item),
      paint: (built, item) => paintRow(built, item, this.#context),
    });
    this.#runs = new RunList((run, before) => this.#onRuns(run, before));
    this.#runs.fetchCurves(this.#selection.ids.slice(0, MAX_OVERLAID));
    this.#context = this.#currentContext();
    this.#box.addEventListener("scroll", () => this.#paintSoon(), { passive: true });
    this.#stopWatchingTheme = onThemeChange(root, () => this.#paint());
    this.#arrange();
  }

  /** @param {TableData} data @param {Host} host */
  update(data, host) {
    const isBack = data.restored !== this.#data.restored;
    this.#data = data;
    this.#host = host;
    this.#selection.receive(data.selected);
    if (isBack) this.#view = { ...data.view, filters: this.#view.filters };
    this.#editor.receive(data.edit);
    this.#runs.fetchCurves(this.#selection.ids.slice(0, MAX_OVERLAID));
    if (isBack) this.#arrange();
    else this.#paint();
  }

  destroy() {
    cancelAnimationFrame(this.#painting);
    clearTimeout(this.#sending);
    this.#resized.disconnect();
    this.#stopWatchingTheme();
    this.#runs.destroy();
    this.#toolbar.destroy();
    this.#root.replaceChildren();
  }

  #resized = new ResizeObserver(() => {
    if (!this.#columns.isSized) this.#arrange();
  });

  /** @param {Item} item */
  #buildRow(item) {
    return listenToRow(buildRow(item, this.#context), item, {
      tick: (key, ticked, withRange) => this.#tick(key, ticked, withRange),
      toggleGroup: (key) => this.#toggleGroup(key),
      star: (run, starred) => this.#host.setStateValue("edit", { run, starred, token: Date.now() }),
      rename: (cell, id) => this.#editor.open(cell, this.#runs.get(id)),
    });
  }

  // ------------------------------------------------------------------ changes of runs

  /** @param {ListedRun|null} run @param {ListedRun} [before] */
  #onRuns(run, before) {
    if (run) this.#follower.follow(run, this.#data.known, this.#host);
    this.#columns.forgetBest();
    const isMoved = !run || run.deleted || !before || ARRANGING_FIELDS.some((field) => String(run[field]) !== String(before[field]));
    if (isMoved) this.#arrange();
    else this.#paintSoon();
  }

  // ------------------------------------------------------------------ actions of the reader

  /** Show a choice of the reader at once, and send it to Python, which keeps it in the address. @param {Partial<View>} part */
  #change(part) {
    this.#view = { ...this.#view, ...part };
    this.#arrange();
    clearTimeout(this.#sending);
    const pause = "search" in part || "where" in part ? TYPING_MS : 0;
    this.#sending = setTimeout(() => this.#host.setStateValue("view", { ...this.#view, count: ++this.#sent }), pause);
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

  /** @param {string} key of the group */
  #toggleGroup(key) {
    if (!this.#openGroups.delete(key)) this.#openGroups.add(key);
    this.#arrange();
  }

  #clearInvalidFilters() {
    const problems = conditionProblems(this.#view.where);
    this.#change({ where: Object.fromEntries(Object.entries(this.#view.where).filter(([key]) => !(key in problems))) });
  }

  /** Archived runs that the table leaves out are not acted on either. @param {ListedRun[]} selected */
  #dropArchived(selected) {
    const archived = this.#view.archived ? [] : selected.filter((run) => run.archived).map(({ id }) => id);
    if (archived.length) this.#select(this.#selection.with(archived, false));
  }

  /** @param {boolean} ticked */
  #tickAll(ticked) {
    this.#select(this.#selection.with(this.#shown.map((run) => run.id), ticked));
  }

  // ------------------------------------------------------------------ drawing

  /** Filter, sort, group; then draw. */
  #arrange() {
    const [all, view] = [this.#runs.all(), this.#view];
    this.#shown = sortRuns(filterRuns(all, view), view);
    const selected = all.filter((run) => this.#selection.has(run.id));
    const keys = view.columns.length ? view.columns : rememberedColumns();
    this.#columns.forgetBest();
    this.#setColumns(visibleColumns(view, keys, view.differs && selected.length > 1 ? selected : this.#shown), all);
    this.#context = this.#currentContext();
    const pinned = view.pinned.map((id) => this.#runs.get(id)).filter((run) => run !== undefined);
    this.#items = groupRuns(this.#shown.filter((run) => !view.pinned.includes(run.id)), view, this.#openGroups);
    this.#pinned.show(pinned, this.#context, this.#header.element.offsetHeight);
    this.#table.setAttribute("aria-rowcount", String(this.#items.length + pinned.length + 1));
    this.#viewport.show(this.#items, pinned.length + 2);
    this.#notices.showBest(this.#columns.bestSentences);
    this.#toolbar.show(view, { keys, all: all.length, shown: this.#shown.length });
    this.#showHeader();
    setText(this.#empty, emptyText(this.#runs, all, this.#shown.length + view.pinned.length > 0));
    this.#box.ariaBusy = String(!this.#runs.loaded && !this.#runs.problem); // until then ui/style.css hides what the rows would move
    this.#dropArchived(selected);
  }

  #showHeader() {
    const problems = conditionProblems(this.#view.where);
    this.#header.show(this.#view, this.#shown.length > 0 && this.#shown.every((run) => this.#selection.has(run.id)), problems);
    this.#notices.showFilterProblems(Object.values(problems));
  }

  /** @param {Column[]} columns @param {ListedRun[]} runs */
  #setColumns(columns, runs) {
    if (!this.#columns.show(columns, runs, this.#view)) return;
    this.#viewport.clear();
    this.#pinned.clear();
    this.#header.build(columns, this.#view.where);
  }

  #currentContext() {
    const { colors: colorIndex, can_edit: canEdit } = this.#data;
    const parts = { selected: this.#selection.set, colorIndex, canEdit, view: this.#view, baseline: this.#runs.get(this.#view.baseline) };
    return this.#columns.context(() => this.#shown.map(this.#newest), parts);
  }

  #newest = (/** @type {ListedRun} */ run) => this.#runs.get(run.id) ?? run;

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
      else item.runs = item.runs.map(this.#newest);
    }
    this.#pinned.paint(this.#newest, this.#context);
    this.#viewport.draw();
    this.#notices.showBest(this.#columns.bestSentences);
    this.#toolbar.showSelection();
    this.#showHeader();
  }
}

/** @param {HTMLElement} root @param {TableData} data @param {Host} host */
export const mount = (root, data, host) => new RunTable(root, data, host);
