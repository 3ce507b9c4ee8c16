/** The rows of pinned runs, which stay below the header while the others scroll. */
import { make } from "../../lib/dom.js";
import { paintRow } from "./rows.js";

/**
 * @import { ListedRun } from "../../../feed/client/run_list.js"
 * @import { RunItem } from "../model/arrange.js"
 * @import { BuiltRow, Context } from "./rows.js"
 */

export class PinnedRows {
  element = make("tbody", "mt-table-pinned");
  #build;
  /** @type {Map<string, {built: BuiltRow, item: RunItem}>} by key of their items */
  #rows = new Map();

  /** @param {(item: RunItem) => BuiltRow} build */
  constructor(build) {
    this.#build = build;
  }

  /** @param {string} key */
  itemOf(key) {
    return this.#rows.get(key)?.item;
  }

  /** @param {ListedRun[]} runs @param {Context} context @param {number} top pixels that the header takes */
  show(runs, context, top) {
    const rows = runs.map((run, i) => {
      /** @type {RunItem} */
      const item = { kind: "run", run, key: `pinned-${run.id}` };
      const built = this.#rows.get(item.key)?.built ?? this.#build(item);
      this.#rows.set(item.key, { built, item });
      built.row.setAttribute("aria-rowindex", String(i + 2));
      paintRow(built, item, context);
      return built.row;
    });
    const { children } = this.element;
    if (rows.length !== children.length || rows.some((row, i) => row !== children[i])) this.element.replaceChildren(...rows);
    this.element.style.top = `${top}px`;
  }

  /** @param {(run: ListedRun) => ListedRun} newest summary of a run @param {Context} context */
  paint(newest, context) {
    for (const { built, item } of this.#rows.values()) {
      item.run = newest(item.run);
      if (built.row.isConnected) paintRow(built, item, context);
    }
  }

  /** Drop all built rows: the columns have changed. */
  clear() {
    this.#rows.clear();
    this.element.replaceChildren();
  }
}
