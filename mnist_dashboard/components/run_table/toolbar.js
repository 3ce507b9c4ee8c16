/** The bar above the table of runs: search, filters, columns and groups, and actions on the selected runs. */
import { LABELS, MAX_PINNED, MAX_SEARCH_LENGTH } from "../lib/constants.js";
import { make, setText } from "../lib/dom.js";
import { formatCount } from "../lib/format.js";
import { isUsual } from "./columns/column_choice.js";
import { COLUMNS } from "./model/columns.js";

/** @import { View } from "./model/arrange.js" */

/**
 * @typedef {object} ToolbarActions
 * @property {(part: Partial<View>) => void} change
 * @property {(keys: string[]) => void} chooseColumns
 * @property {() => number[]} selected ids
 * @property {() => void} clearSelection
 */

export class Toolbar {
  #actions;
  /** @type {View} */
  #view;
  #search = make("input", "mt-bar-search", {
    type: "search",
    placeholder: "Name, tag or note",
    "aria-label": "Search runs",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: String(MAX_SEARCH_LENGTH),
  });
  #filters = toggleButton("Filters");
  #differs = toggleButton("Only what differs");
  #archived = toggleButton(LABELS.SHOW_ARCHIVED);
  #group = make("select", "", { "aria-label": "Group runs by" });
  #columns = make("details", "mt-bar-menu", {}, make("summary", "", {}, "Columns"));
  /** @type {Map<string, HTMLInputElement>} by key of the column */
  #checks = new Map();
  #count = make("span", "mt-bar-count", { role: "status" });
  #baseline = make("button", "", { type: "button" }, "Set as baseline");
  #pin = make("button", "", { type: "button" }, "Pin");
  #clear = make("button", "", { type: "button" }, "Clear selection");
  #counts = { all: 0, shown: 0 };
  #listening = new AbortController();

  element = make("div", "mt-bar", { role: "group", "aria-label": "What the table shows" },
    this.#search, this.#filters, this.#columns, this.#group, this.#differs, this.#archived,
    this.#count, this.#baseline, this.#pin, this.#clear);

  /** @param {View} view @param {ToolbarActions} actions */
  constructor(view, actions) {
    this.#view = view;
    this.#actions = actions;
    this.#fillGroup();
    this.#fillColumns();
    this.#listen();
  }

  destroy() {
    this.#listening.abort();
  }

  #fillGroup() {
    /** @param {string} value @param {string} label */
    const option = (value, label) => make("option", "", { value }, label);
    const groupable = COLUMNS.filter((column) => (column.setting && column.key !== "seed") || column.key === "dataset");
    this.#group.append(option("", "No groups"), option("seeds", "Group seeds"),
      ...groupable.map((column) => option(column.key, `Group by ${column.title.toLowerCase()}`)));
  }

  #fillColumns() {
    const list = make("div", "mt-bar-list", { role: "group", "aria-label": "Columns" });
    for (const column of COLUMNS.filter(({ key }) => key !== "name")) {
      const check = make("input", "", { type: "checkbox" });
      this.#checks.set(column.key, check);
      check.addEventListener("change", () => {
        const keys = [...this.#checks].filter(([, { checked }]) => checked).map(([key]) => key);
        this.#actions.chooseColumns(["name", ...keys]);
      });
      list.append(make("label", "", {}, check, column.title));
    }
    const usual = make("button", "", { type: "button" }, "The usual ones");
    usual.addEventListener("click", () => this.#actions.chooseColumns([]));
    list.append(usual);
    this.#columns.append(list);
  }

  #listen() {
    const { change } = this.#actions;
    this.#search.addEventListener("input", () => change({ search: this.#search.value }));
    this.#filters.addEventListener("click", () => change(this.#areFiltersOpen() ? { filters: false, where: {} } : { filters: true }));
    this.#differs.addEventListener("click", () => change({ differs: !this.#view.differs }));
    this.#archived.addEventListener("click", () => change({ archived: !this.#view.archived }));
    this.#group.addEventListener("change", () => change({ group: this.#group.value }));
    this.#baseline.addEventListener("click", () => change({ baseline: this.#isBaseline() ? null : this.#actions.selected()[0] }));
    this.#pin.addEventListener("click", () => change({ pinned: this.#pinnedAfterClick() }));
    this.#clear.addEventListener("click", () => this.#actions.clearSelection());
    const { signal } = this.#listening;
    document.addEventListener("pointerdown", ({ target }) => {
      if (!(target instanceof Node && this.#columns.contains(target))) this.#columns.open = false;
    }, { signal });
    document.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") this.#columns.open = false;
    }, { signal });
  }

  #areFiltersOpen() {
    return Boolean(this.#view.filters) || Object.keys(this.#view.where).length > 0;
  }

  /** Whether the selection is the baseline; no selection counts as the baseline. */
  #isBaseline() {
    const [first] = this.#actions.selected();
    return this.#view.baseline !== null && (first === undefined || first === this.#view.baseline);
  }

  /** Whether the button unpins: all selected runs are pinned, or none is selected. */
  #unpins() {
    return this.#actions.selected().every((id) => this.#view.pinned.includes(id));
  }

  #pinnedAfterClick() {
    const { pinned } = this.#view;
    const selected = this.#actions.selected();
    if (!this.#unpins()) return [...new Set([...pinned, ...selected])].slice(0, MAX_PINNED);
    return selected.length ? pinned.filter((id) => !selected.includes(id)) : [];
  }

  /** @param {View} view @param {{keys: string[], all: number, shown: number}} table keys of its columns, and counts of runs */
  show(view, { keys, all, shown }) {
    this.#view = view;
    this.#counts = { all, shown };
    if (document.activeElement !== this.#search) this.#search.value = view.search;
    setPressed(this.#filters, this.#areFiltersOpen());
    setPressed(this.#differs, view.differs);
    setPressed(this.#archived, view.archived);
    this.#group.value = view.group;
    for (const [key, check] of this.#checks) check.checked = keys.length ? keys.includes(key) : isUsual(key);
    this.showSelection();
  }

  /** How many runs are shown and selected, and the buttons for the selection. */
  showSelection() {
    const selected = this.#actions.selected().length;
    const { all, shown } = this.#counts;
    const runs = all === 1 ? "1 run" : `${formatCount(all)} runs`;
    const counts = [shown === all ? runs : `${formatCount(shown)} of ${runs}`, ...(selected ? [`${formatCount(selected)} selected`] : [])];
    setText(this.#count, counts.join(", "));
    const { pinned, baseline } = this.#view;
    this.#baseline.hidden = selected !== 1 && baseline === null;
    setText(this.#baseline, this.#isBaseline() ? "Remove baseline" : "Set as baseline");
    this.#pin.hidden = !selected && !pinned.length;
    setText(this.#pin, this.#unpins() ? "Unpin" : "Pin");
    this.#clear.hidden = !selected;
  }
}

/** @param {string} label */
function toggleButton(label) {
  return make("button", "", { type: "button", "aria-pressed": "false" }, label);
}

/** @param {HTMLButtonElement} button @param {boolean} isOn */
const setPressed = (button, isOn) => button.setAttribute("aria-pressed", String(isOn));
