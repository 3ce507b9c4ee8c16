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
    this.#filters.replaceChildren(make("td"), make("td"), ...parts.map(({ field }) => make("td", "", {}, field)));
  }

  /** @param {Column} column */
  #title(column) {
    const arrow = make("span", "mt-table-arrow", { "aria-hidden": "true" });
    const button = make("button", "", { type: "button" }, column.title, arrow);
    button.addEventListener("click", () => this.#actions.sort(column));
    const title = make("th", column.number ? "mt-table-number" : "", { scope: "col", "data-key": column.key }, button);
    return { title, arrow };
  }

  /** @param {Column} column */
  #field(column) {
    const example = column.percent ? ">98" : column.number && !column.filtersText ? ">0.1, 1..5" : "contains";
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

  /** @param {View} view @param {boolean} allTicked */
  show(view, allTicked) {
    const hasConditions = Object.keys(view.where).length > 0;
    this.#all.checked = allTicked;
    this.#filters.hidden = !view.filters && !hasConditions;
    const isDescending = view.sort.startsWith("-");
    for (const [key, { title, arrow }] of this.#parts) {
      const isSorted = view.sort.replace("-", "") === key;
      setAttribute(title, "aria-sort", isSorted ? (isDescending ? "descending" : "ascending") : null);
      setText(arrow, isSorted ? (isDescending ? "↓" : "↑") : "");
    }
    if (!hasConditions && Object.keys(this.#where).length) this.#clear();
  }

  #clear() {
    this.#where = {};
    for (const { field } of this.#parts.values()) field.value = "";
  }
}
