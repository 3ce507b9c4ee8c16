/**
 * The leaderboard. Rows are built once and painted in place. While the reader points at the table, or the focus is in it, rows
 * keep their places: nobody wants to click a trial that has just moved away.
 */
import { make, setAttribute, setText } from "../../lib/dom.js";
import { TRIAL_LABELS, boardRows, cellTexts, columnTitles, hasMore } from "../model/leaderboard_rows.js";

/** @import { SweepState, Trial } from "../../lib/types" */
/** @import { BoardRow } from "../model/leaderboard_rows.js" */

/**
 * @typedef {object} BuiltRow
 * @property {HTMLTableRowElement} row
 * @property {HTMLElement} place
 * @property {HTMLAnchorElement} link
 * @property {HTMLElement[]} cells
 * @property {HTMLElement} badge
 * @property {HTMLElement} runs
 * @property {Trial|null} painted
 */

export class Leaderboard {
  #body = make("tbody");
  #head = make("tr");
  #table = make("table", "mt-board-table", { "aria-label": "Leaderboard" }, make("thead", "", {}, this.#head), this.#body);
  #box = make("div", "mt-board-box", {}, this.#table);
  #empty = make("p", "mt-board-empty", {}, "No trial has ended yet.");
  #all = make("button", "mt-board-all", { type: "button", "aria-expanded": "false" });
  element = make("section", "mt-board-panel mt-board-leaders", {},
    make("div", "mt-board-head", {},
      make("h2", "mt-board-title", {}, "Leaderboard"),
      make("span", "mt-board-aside mt-board-wide", {}, "Live. Rows move only when you are not pointing at them.")),
    this.#empty, this.#box, this.#all);
  /** @type {SweepState|null} */
  #sweep = null;
  /** @type {Map<number, BuiltRow>} by number of the trial */
  #rows = new Map();
  /** @type {BoardRow[]} in the order that is shown */
  #shown = [];
  #columns = "";
  #isUnfolded = false;
  #isPointedAt = false;

  constructor() {
    this.#table.addEventListener("pointerenter", ({ pointerType }) => { this.#isPointedAt = pointerType !== "touch"; });
    this.#table.addEventListener("pointerleave", () => {
      this.#isPointedAt = false;
      this.#paint();
    });
    this.#table.addEventListener("focusout", () => setTimeout(() => this.#paint()));
    this.#table.addEventListener("click", (event) => this.#onClick(event));
    this.#all.addEventListener("click", () => {
      this.#isUnfolded = !this.#isUnfolded;
      this.#paint();
    });
  }

  /** @param {SweepState} sweep */
  show(sweep) {
    this.#sweep = sweep;
    this.#paint();
  }

  /** Open the run of a row, wherever in the row the click was. @param {MouseEvent} event */
  #onClick(event) {
    const { target } = event;
    if (!(target instanceof Element) || target.closest("a") || getSelection()?.toString()) return;
    const link = target.closest("tr")?.querySelector("a[href]");
    if (link instanceof HTMLAnchorElement) link.click();
  }

  #paint() {
    const sweep = this.#sweep;
    if (!sweep) return;
    this.#paintHead(sweep);
    const isHeld = this.#isPointedAt || this.#table.contains(document.activeElement);
    const byNumber = new Map(sweep.trials.map((trial) => [trial.number, trial]));
    const arranged = boardRows(sweep, this.#isUnfolded);
    this.#shown = isHeld ? kept(this.#shown, byNumber, arranged) : arranged;
    for (const [index, { trial, place }] of this.#shown.entries()) this.#paintRow(index, trial, place, sweep);
    while (this.#body.childElementCount > this.#shown.length) this.#body.lastElementChild?.remove();
    for (const [number, { row }] of this.#rows) if (!row.isConnected) this.#rows.delete(number);
    const hasRows = this.#shown.length > 0;
    this.#empty.hidden = sweep.counts.ended > 0 || (hasRows && sweep.status !== "running");
    this.#box.hidden = !hasRows;
    setAttribute(this.#box, "data-unfolded", this.#isUnfolded ? "" : null);
    this.#all.hidden = !this.#isUnfolded && !hasMore(sweep);
    setText(this.#all, this.#isUnfolded ? "Show the best" : `All ${sweep.trials.filter(({ role }) => role === "search").length} trials`);
    setAttribute(this.#all, "aria-expanded", String(this.#isUnfolded));
  }

  /** @param {SweepState} sweep */
  #paintHead(sweep) {
    const titles = columnTitles(sweep);
    const key = titles.join("|");
    if (key === this.#columns) return;
    this.#columns = key;
    const values = titles.length - 2;
    /** @param {string} text @param {string} [kind] */
    const title = (text, kind = "") => make("th", kind, { scope: "col" }, text);
    this.#head.replaceChildren(
      title("", "mt-board-place"),
      title("Trial", "mt-board-number"),
      ...titles.map((text, i) => title(text, i > values ? "mt-board-number mt-board-wide" : "mt-board-number")),
      title("State", "mt-board-state mt-board-wide"),
    );
    this.#head.firstElementChild?.append(make("span", "mt-board-hidden", {}, "Place"));
    this.#rows.clear();
    this.#body.replaceChildren();
  }

  /** @param {number} index @param {Trial} trial @param {number|null} place @param {SweepState} sweep */
  #paintRow(index, trial, place, sweep) {
    const built = this.#rows.get(trial.number) ?? this.#build(trial, sweep);
    if (this.#body.children[index] !== built.row) this.#body.insertBefore(built.row, this.#body.children[index] ?? null);
    setText(built.place, place === null ? "" : String(place));
    setAttribute(built.row, "data-best", place === 1 ? "" : null);
    if (built.painted === trial) return;
    built.painted = trial;
    const [first] = trial.runs;
    setText(built.link, String(trial.number));
    setAttribute(built.link, "href", first ? `./?run=${first.id}` : null);
    setAttribute(built.link, "aria-label", first ? `Trial ${trial.number}, ${first.name}` : `Trial ${trial.number}`);
    cellTexts(sweep, trial).forEach((text, i) => setText(built.cells[i], text));
    setText(built.badge, TRIAL_LABELS[trial.status]);
    setAttribute(built.badge, "data-status", trial.status);
    setAttribute(built.badge, "title", trial.reason || null);
    const others = trial.runs.slice(1).map((run) => make("a", "mt-board-run", { href: `./?run=${run.id}`, target: "_self" }, run.name));
    built.runs.replaceChildren(...others.flatMap((link) => [" ", link]));
  }

  /** @param {Trial} trial @param {SweepState} sweep @returns {BuiltRow} */
  #build(trial, sweep) {
    const place = make("td", "mt-board-place");
    const link = make("a", "mt-board-link", { target: "_self" });
    const result = sweep.parameters.length;
    const cells = columnTitles(sweep).map((_, i) =>
      make("td", `mt-board-number${i === result ? " mt-board-result" : i > result ? " mt-board-wide" : ""}`));
    const badge = make("span", "mt-board-badge");
    const runs = make("span", "mt-board-runs");
    const row = make("tr", "", {}, place, make("th", "mt-board-number", { scope: "row" }, link), ...cells,
      make("td", "mt-board-state mt-board-wide", {}, badge, runs));
    const built = { row, place, link, cells, badge, runs, painted: null };
    this.#rows.set(trial.number, built);
    return built;
  }
}

/**
 * The rows that are shown, in their order and with their newest numbers. The first ones come at once: there is nothing to move.
 * @param {BoardRow[]} shown @param {Map<number, Trial>} byNumber @param {BoardRow[]} arranged
 */
function kept(shown, byNumber, arranged) {
  if (!shown.length) return arranged;
  return shown.flatMap(({ trial, place }) => {
    const newest = byNumber.get(trial.number);
    return newest ? [{ trial: newest, place }] : [];
  });
}
