/** The header of the runs table: a button a column that sorts, and below it a field that filters. */
import { MAX_CONDITION_LENGTH } from "../lib/constants.js";
import { make, setAttribute, setText } from "../lib/dom.js";

export class Header {
  #titles = make("tr", "", { "aria-rowindex": "1" });
  #filters = make("tr", "mt-table-filters");
  #where = {};
  #all;
  #on;

  element = make("thead", "", {}, this.#titles, this.#filters);

  /** @param {{sort: (column: object) => void, filter: (where: Object<string, string>) => void, tick: (on: boolean) => void}} on */
  constructor(on) {
    this.#on = on;
    this.#all = make("input", "", { type: "checkbox", "aria-label": "Select all runs shown" });
    this.#all.addEventListener("change", () => on.tick(this.#all.checked));
  }

  /** @param {import("./model/columns.js").Column[]} columns @param {Object<string, string>} where conditions by key of column */
  build(columns, where) {
    this.#where = { ...where };
    const tick = make("th", "mt-table-tick", { scope: "col" }, make("label", "", {}, this.#all));
    const color = make("th", "mt-table-color", { scope: "col", "aria-label": "Colour in the charts" });
    this.#titles.replaceChildren(tick, color, ...columns.map((column) => this.#title(column)));
    this.#filters.replaceChildren(make("td"), make("td"), ...columns.map((column) => make("td", "", {}, this.#field(column))));
  }

  #title(column) {
    const arrow = make("span", "mt-table-arrow", { "aria-hidden": "true" });
    const button = make("button", "", { type: "button" }, column.title, arrow);
    button.addEventListener("click", () => this.#on.sort(column));
    return make("th", column.number ? "mt-table-number" : "", { scope: "col", "data-key": column.key }, button);
  }

  #field(column) {
    const example = column.percent ? ">98" : column.number && !column.words ? ">0.1, 1..5" : "contains";
    const field = make("input", "mt-table-filter", {
      type: "search", placeholder: example, "aria-label": `Filter ${column.title}`, autocomplete: "off", spellcheck: "false", maxlength: String(MAX_CONDITION_LENGTH),
    });
    field.value = this.#where[column.key] ?? "";
    field.addEventListener("input", () => {
      const { [column.key]: _, ...others } = this.#where;
      this.#where = field.value.trim() ? { ...others, [column.key]: field.value } : others;
      this.#on.filter(this.#where);
    });
    return field;
  }

  /** @param {import("./model/arrange.js").View} view @param {boolean} allTicked */
  show(view, allTicked) {
    this.#all.checked = allTicked;
    this.#filters.hidden = !view.filters && !Object.keys(view.where).length;
    for (const th of this.#titles.querySelectorAll("[data-key]")) {
      const sorts = view.sort.replace("-", "") === th.dataset.key;
      const down = view.sort.startsWith("-");
      setAttribute(th, "aria-sort", sorts ? (down ? "descending" : "ascending") : null);
      setText(th.querySelector(".mt-table-arrow"), sorts ? (down ? "↓" : "↑") : "");
    }
    if (Object.keys(view.where).length === 0 && Object.keys(this.#where).length) this.#clear();
  }

  #clear() {
    this.#where = {};
    for (const field of this.#filters.querySelectorAll("input")) field.value = "";
  }
}
