/**
 * Shows thousands of rows by building only those in sight: rows above and below are two spacers of the right height. All rows
 * are equally high. Arrow keys move the focus, also to rows that are not built yet.
 */
import { make } from "../../lib/dom.js";

/**
 * @import { Item } from "../model/arrange.js"
 * @import { BuiltRow } from "./rows.js"
 */

const OVERSCAN = 8; // rows built above and below those in sight, so that scrolling does not show gaps

/** @type {Record<string, number>} rows to move by, for each key */
const ROW_STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

/**
 * @typedef {object} Renderer
 * @property {() => number} rowHeight
 * @property {() => number} covered pixels at the top of the box that header and pinned rows cover
 * @property {(item: Item) => BuiltRow} build
 * @property {(built: BuiltRow, item: Item) => void} paint
 */

function spacer() {
  const cell = make("td");
  return { row: make("tr", "mt-table-space", { "aria-hidden": "true" }, cell), cell };
}

export class Viewport {
  #box;
  #body;
  #renderer;
  #above = spacer();
  #below = spacer();
  /** @type {Map<string, BuiltRow>} by key of their items */
  #rows = new Map();
  /** @type {Item[]} */
  #items = [];
  #offset = 2; // aria-rowindex of the first row: the header is 1

  /** @param {HTMLElement} box that scrolls @param {HTMLElement} body @param {Renderer} renderer */
  constructor(box, body, renderer) {
    this.#box = box;
    this.#body = body;
    this.#renderer = renderer;
    body.append(this.#above.row, this.#below.row);
    box.addEventListener("keydown", (event) => this.#moveFocus(event));
  }

  /** Show other rows, or the same in another order. @param {Item[]} items @param {number} offset aria-rowindex of the first */
  show(items, offset) {
    this.#items = items;
    this.#offset = offset;
    this.draw();
  }

  /** Drop all built rows: the columns have changed. */
  clear() {
    for (const { row } of this.#rows.values()) row.remove();
    this.#rows.clear();
  }

  /** Paint the rows in sight again; rows that came into sight are built, others dropped. */
  draw() {
    const height = this.#renderer.rowHeight();
    // Before its first rows are there, the box is not yet as high as it will be.
    const visible = Math.max(this.#box.clientHeight, parseFloat(getComputedStyle(this.#box).maxHeight) || 0);
    const first = Math.max(0, Math.min(Math.floor(this.#box.scrollTop / height) - OVERSCAN, this.#items.length - 1));
    const last = Math.min(this.#items.length, Math.ceil((this.#box.scrollTop + visible) / height) + OVERSCAN);
    const items = this.#items.slice(first, last);
    const keys = new Set(items.map((item) => item.key));
    const active = document.activeElement;
    const focused = active instanceof HTMLElement && this.#body.contains(active) ? active : null;
    for (const [key, { row }] of this.#rows) {
      if (keys.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    this.#place(items, first);
    this.#above.cell.style.height = `${first * height}px`;
    this.#below.cell.style.height = `${(this.#items.length - last) * height}px`;
    this.#above.row.hidden = first === 0;
    this.#below.row.hidden = last >= this.#items.length;
    // A row that is moved loses the focus; one that scrolled away leaves it to the box, where arrow keys still work.
    if (focused && document.activeElement !== focused) {
      (focused.isConnected ? focused : this.#box).focus({ preventScroll: true });
    }
  }

  /** @param {Item[]} items @param {number} first index of the first */
  #place(items, first) {
    let next = this.#above.row.nextElementSibling;
    items.forEach((item, i) => {
      let built = this.#rows.get(item.key);
      if (!built) this.#rows.set(item.key, (built = this.#renderer.build(item)));
      built.row.setAttribute("aria-rowindex", String(first + i + this.#offset));
      if (built.row === next) next = next.nextElementSibling;
      else this.#body.insertBefore(built.row, next);
      this.#renderer.paint(built, item);
    });
  }

  /** @param {string} key */
  indexOf(key) {
    return this.#items.findIndex((item) => item.key === key);
  }

  /** The items from one index to another, in either order. @param {number} a @param {number} b */
  itemsBetween(a, b) {
    return this.#items.slice(Math.max(0, Math.min(a, b)), Math.max(a, b) + 1);
  }

  /** Arrow keys move the focus from row to row within its column. @param {KeyboardEvent} event */
  #moveFocus(event) {
    const { target } = event;
    const step = ROW_STEPS[event.key];
    if (step === undefined || !(target instanceof Element) || target.matches("input:not([type=checkbox])")) return;
    /** @type {HTMLElement|null} */
    const row = target.closest("tbody tr");
    if (!row && target !== this.#box) return;
    event.preventDefault();
    const from = row ? this.indexOf(row.dataset.key ?? "") : -1;
    const to = Math.min(this.#items.length - 1, Math.max(0, from + step));
    /** @type {HTMLElement|null|undefined} */
    const next = this.#reveal(to)?.row.querySelector(target.closest("th") ? "th a, th button" : "input");
    next?.focus({ preventScroll: true });
  }

  /** Scroll a row into sight and return it. @param {number} index */
  #reveal(index) {
    const height = this.#renderer.rowHeight();
    const top = index * height;
    const room = this.#box.clientHeight - this.#renderer.covered() - height;
    if (top < this.#box.scrollTop) this.#box.scrollTop = top;
    else if (top > this.#box.scrollTop + room) this.#box.scrollTop = top - room;
    this.draw();
    return this.#rows.get(this.#items[index]?.key);
  }
}
