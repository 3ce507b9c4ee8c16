/** The bar above the runs table: search, filters, columns, groups; and what can be done in the table with selected runs. */
import { COLUMNS } from "./model/columns.js";
import { MAX_PINNED, MAX_SEARCH_LENGTH } from "../lib/constants.js";
import { make, setText } from "../lib/dom.js";
import { whole } from "../lib/format.js";

export class TableBar {
  #on;
  #view;
  #search = make("input", "mt-bar-search", {
    type: "search", placeholder: "Name, tag or note", "aria-label": "Search runs", autocomplete: "off", spellcheck: "false", maxlength: String(MAX_SEARCH_LENGTH),
  });
  #filters = toggleButton("Filters");
  #differs = toggleButton("Only what differs");
  #archived = toggleButton("Archived");
  #group = make("select", "", { "aria-label": "Group runs by" });
  #columns = make("details", "mt-bar-menu", {}, make("summary", "", {}, "Columns"));
  #checks = new Map();
  #count = make("span", "mt-bar-count", { role: "status" });
  #baseline = make("button", "", { type: "button" }, "Set as baseline");
  #pin = make("button", "", { type: "button" }, "Pin");
  #clear = make("button", "", { type: "button" }, "Clear selection");
  #numbers = { all: 0, shown: 0 };
  #closeMenu = (event) => {
    if (event.type === "keydown" ? event.key === "Escape" : !this.#columns.contains(event.target)) this.#columns.open = false;
  };

  /** @param {{change: (part: object) => void, columns: (keys: string[]) => void, selected: () => number[], clear: () => void}} on */
  constructor(on) {
    this.#on = on;
    this.element = make("div", "mt-bar", { role: "group", "aria-label": "What the table shows" },
      this.#search, this.#filters, this.#columns, this.#group, this.#differs, this.#archived,
      this.#count, this.#baseline, this.#pin, this.#clear);
    this.#fillGroup();
    this.#fillColumns();
    this.#listen();
  }

  #fillGroup() {
    const option = (value, label) => make("option", "", { value }, label);
    this.#group.append(option("", "No groups"), option("seeds", "Group seeds"),
      ...COLUMNS.filter((column) => column.setting && column.key !== "seed" || column.key === "dataset")
        .map((column) => option(column.key, `Group by ${column.title.toLowerCase()}`)));
  }

  #fillColumns() {
    const list = make("div", "mt-bar-list", { role: "group", "aria-label": "Columns" });
    for (const column of COLUMNS.filter(({ key }) => key !== "name")) {
      const check = make("input", "", { type: "checkbox" });
      this.#checks.set(column.key, check);
      check.addEventListener("change", () => {
        this.#on.columns(["name", ...[...this.#checks].filter(([, one]) => one.checked).map(([key]) => key)]);
      });
      list.append(make("label", "", {}, check, column.title));
    }
    const usual = make("button", "", { type: "button" }, "The usual ones");
    usual.addEventListener("click", () => this.#on.columns(COLUMNS.filter((column) => column.usual).map((column) => column.key)));
    list.append(usual);
    this.#columns.append(list);
  }

  #listen() {
    const { change } = this.#on;
    this.#search.addEventListener("input", () => change({ search: this.#search.value }));
    this.#filters.addEventListener("click", () => {
      const open = this.#view.filters || Object.keys(this.#view.where).length > 0;
      change(open ? { filters: false, where: {} } : { filters: true });
    });
    this.#differs.addEventListener("click", () => change({ differs: !this.#view.differs }));
    this.#archived.addEventListener("click", () => change({ archived: !this.#view.archived }));
    this.#group.addEventListener("change", () => change({ group: this.#group.value }));
    this.#baseline.addEventListener("click", () => change({ baseline: this.#isBaseline() ? null : this.#on.selected()[0] }));
    this.#pin.addEventListener("click", () => change({ pinned: this.#pinnedNow() }));
    this.#clear.addEventListener("click", () => this.#on.clear());
    document.addEventListener("pointerdown", this.#closeMenu);
    document.addEventListener("keydown", this.#closeMenu);
  }

  destroy() {
    document.removeEventListener("pointerdown", this.#closeMenu);
    document.removeEventListener("keydown", this.#closeMenu);
  }

  #isBaseline() {
    return this.#view.baseline !== null && [undefined, this.#view.baseline].includes(this.#on.selected()[0]);
  }

  /** Pins the selected runs, or unpins them if they all are pinned. */
  #pinnedNow() {
    const { pinned } = this.#view;
    const selected = this.#on.selected();
    if (!selected.length || selected.every((id) => pinned.includes(id))) return pinned.filter((id) => selected.length && !selected.includes(id));
    return [...new Set([...pinned, ...selected])].slice(0, MAX_PINNED);
  }

  /** @param {import("./model/arrange.js").View} view @param {{keys: string[], all: number, shown: number}} about */
  show(view, { keys, all, shown }) {
    this.#view = view;
    this.#numbers = { all, shown };
    if (document.activeElement !== this.#search) this.#search.value = view.search;
    pressed(this.#filters, view.filters || Object.keys(view.where).length > 0);
    pressed(this.#differs, view.differs);
    pressed(this.#archived, view.archived);
    this.#group.value = view.group;
    for (const [key, check] of this.#checks) check.checked = keys.includes(key);
    this.count(this.#on.selected().length);
  }

  /** How many runs are shown and selected, and the buttons that go with that. */
  count(selected) {
    const { all, shown } = this.#numbers;
    const runs = all === 1 ? "1 run" : `${whole(all)} runs`;
    setText(this.#count, `${shown === all ? runs : `${whole(shown)} of ${runs}`}${selected ? `, ${whole(selected)} selected` : ""}`);
    const { pinned, baseline } = this.#view;
    this.#baseline.hidden = selected !== 1 && baseline === null;
    setText(this.#baseline, this.#isBaseline() ? "Remove baseline" : "Set as baseline");
    const chosen = this.#on.selected();
    this.#pin.hidden = !selected && !pinned.length;
    setText(this.#pin, !chosen.length || chosen.every((id) => pinned.includes(id)) ? "Unpin" : "Pin");
    this.#clear.hidden = !selected;
  }
}

function toggleButton(label) {
  return make("button", "", { type: "button", "aria-pressed": "false" }, label);
}

const pressed = (button, on) => button.setAttribute("aria-pressed", String(on));
