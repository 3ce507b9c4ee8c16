/** The header of the table of runs: for each column a button that sorts, and below it a field that filters. */
import { MAX_CONDITION_LENGTH } from "../lib/constants.js";
import { make, setAttribute, setText } from "../lib/dom.js";

/**
 * @import { View } from "./model/arrange.js"
 * @import { Column } from "./model/columns.js"
 */

/**
 * @typedef {object} HeaderActions
 * @property {(column: Column) => void} sort
 * @property {(where: Record<string, string>) => void} filter
 * @property {(ticked: boolean) => void} tickAll
 */

export class Header {
  #titles = make("tr", "", { "aria-rowindex": "1" });
  #filters = make("tr", "mt-table-filters");
  /** @type {Record<string, string>} */
  #where = {};
  /** @type {Map<string, {title: HTMLElement, arrow: HTMLElement, field: HTMLInputElement}>} by key of the column */
  #parts = new Map();
  #all = make("input", "", { type: "checkbox", "aria-label": "Select all runs shown" });
  #actions;

  element = make("thead", "", {}, this.#titles, this.#filters);

  /** @param {HeaderActions} actions */
  constructor(actions) {
    this.#actions = actions;
    this.#all.addEventListener("change", () => actions.tickAll(this.#all.checked));
  }

  /** @param {Column[]} columns @param {Record<string, string>} where conditions by key of column */
  build(columns, where) {
    this.#where = { ...where };
    this.#parts = new Map(columns.map((column) => [column.key, { ...this.#title(column), field: this.#field(column) }]));
    const parts = [...this.#parts.values()];
    const tick = make("th", "mt-table-tick", { scope: "col" }, make("label", "", {}, this.#all));
    const color = make("th", "mt-table-color", { scope: "col", "aria-label": "Colour in the charts" });
    this.#titles.replaceChildren(tick, color, ...parts.map(({ title }) => title));
    this.#filters.replaceChildren(make("td", "mt-table-tick"), make("td", "mt-table-color"),
      ...parts.map(({ field }, i) => make("td", columns[i].key === "name" ? "mt-table-names" : "", {}, field)));
  }

  /** @param {Column} column */
  #title(column) {
    const arrow = make("span", "mt-table-arrow", { "aria-hidden": "true" });
    const button = make("button", "", { type: "button" }, column.title, arrow);
    button.addEventListener("click", () => this.#actions.sort(column));
    const style = column.key === "name" ? "mt-table-names" : column.number ? "mt-table-number" : "";
    const title = make("th", style, { scope: "col", "data-key": column.key }, button);
    return { title, arrow };
  }

  /** @param {Column} column */
  #field(column) {
    const example = column.percent ? ">98" : column.number && !column.filtersText ? "1..5" : "contains";
    const field = make("input", "mt-table-filter", {
      type: "search",
      placeholder: example,
      "aria-label": `Filter ${column.title}`,
      autocomplete: "off",
      spellcheck: "false",
      maxlength: String(MAX_CONDITION_LENGTH),
    });
    field.value = this.#where[column.key] ?? "";
    field.addEventListener("input", () => {
      const { [column.key]: _, ...others } = this.#where;
      this.#where = field.value.trim() ? { ...others, [column.key]: field.value } : others;
      this.#actions.filter(this.#where);
    });
    return field;
  }

  /** @param {View} view @param {boolean} allTicked @param {Record<string, string>} problems with conditions, by key of the column */
  show(view, allTicked, problems) {
    const hasConditions = Object.keys(view.where).length > 0;
    this.#all.checked = allTicked;
    this.#filters.hidden = !view.filters && !hasConditions;
    const isDescending = view.sort.startsWith("-");
    for (const [key, { title, arrow, field }] of this.#parts) {
      setAttribute(field, "aria-invalid", key in problems ? "true" : null);
      setAttribute(field, "title", problems[key] ?? null);
      const isSorted = view.sort.replace("-", "") === key;
      setAttribute(title, "aria-sort", isSorted ? (isDescending ? "descending" : "ascending") : null);
      setText(arrow, isSorted ? (isDescending ? "↓" : "↑") : "");
    }
    this.#dropCleared(view.where);
  }

  /** Empty the fields of conditions that no longer exist. @param {Record<string, string>} where */
  #dropCleared(where) {
    for (const key of Object.keys(this.#where)) {
      if (key in where) continue;
      const field = this.#parts.get(key)?.field;
      if (field) field.value = "";
    }
    this.#where = { ...where };
  }
}
