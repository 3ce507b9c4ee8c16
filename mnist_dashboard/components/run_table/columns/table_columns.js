/** The columns that the table shows: their widths, and the best value of each. */
import { make } from "../../lib/dom.js";
import { palette } from "../../lib/theme.js";
import { bestValues, columnOf, describeBest } from "../model/columns.js";
import { onceFontIsLoaded, sizedColumns } from "./widths.js";

/**
 * @import { ListedRun } from "../../../feed/client/run_list.js"
 * @import { View } from "../model/arrange.js"
 * @import { Column } from "../model/columns.js"
 * @import { Context } from "../rows/rows.js"
 */

const narrow = matchMedia("(max-width: 640px)");

export class TableColumns {
  #table;
  #box;
  #group = make("colgroup");
  #sizedFor = 0; // width of the box for which the columns were sized
  /** @type {{values: (Map<string, number>|null)[], sentences: string[]}|null} null after a change */
  #best = null;

  /** @type {Column[]} */
  list = [];

  /** @param {HTMLElement} table @param {HTMLElement} box that it scrolls in @param {() => void} onFont the columns need other widths */
  constructor(table, box, onFont) {
    this.#table = table;
    this.#box = box;
    table.prepend(this.#group);
    onceFontIsLoaded(box, onFont);
  }

  get isNarrow() {
    return narrow.matches;
  }

  get isSized() {
    return this.#box.clientWidth === this.#sizedFor;
  }

  /**
   * Show columns, as wide as these runs need them.
   * @param {Column[]} columns @param {ListedRun[]} runs @param {View} view
   * @returns {boolean} whether they are others than before
   */
  show(columns, runs, view) {
    this.#sizedFor = this.#box.clientWidth;
    const { cols, total } = sizedColumns(columns, runs, {
      box: this.#box, isNarrow: narrow.matches, isGrouped: view.group !== "", isCompared: view.baseline !== null,
    });
    this.#group.replaceChildren(...cols);
    this.#table.style.width = `${total}px`;
    const areOthers = columns.map(({ key }) => key).join() !== this.list.map(({ key }) => key).join();
    this.list = columns;
    return areOthers;
  }

  /** Runs have changed. */
  forgetBest() {
    this.#best = null;
  }

  /** Sentences on the best values of the column by which the runs are sorted, else of the first one. */
  get bestSentences() {
    return this.#best?.sentences ?? [];
  }

  /**
   * What rows show besides their runs.
   * @param {() => ListedRun[]} shown asked only after a change
   * @param {Omit<Context, "columns"|"colors"|"best">} parts
   * @returns {Context}
   */
  context(shown, parts) {
    this.#best ??= this.#findBest(shown().filter((run) => run.status === "completed"), parts.view);
    return { ...parts, columns: this.list, colors: palette(this.#box), best: this.#best.values };
  }

  /** @param {ListedRun[]} completed @param {View} view */
  #findBest(completed, view) {
    const named = [columnOf(view.sort.replace("-", "")), ...this.list].find((column) => column?.best);
    return {
      values: this.list.map((column) => (column.best ? bestValues(column, completed) : null)),
      sentences: named ? describeBest(named, completed) : [],
    };
  }
}
