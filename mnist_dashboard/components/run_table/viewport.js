/**
 * Shows thousands of rows by building only those in sight: rows above and below are two spacers of the right height. All rows
 * are equally high.
 */
import { make } from "../lib/dom.js";

const AROUND = 8; // rows built above and below what is seen, so that scrolling does not show gaps

export class Viewport {
  #box;
  #body;
  #above = make("tr", "mt-table-space", { "aria-hidden": "true" });
  #below = make("tr", "mt-table-space", { "aria-hidden": "true" });
  #rowHeight;
  #build;
  #paint;
  /** @type {Map<string, {built: {row: HTMLElement}, item: object}>} */
  #rows = new Map();
  #items = [];
  #offset = 2; // aria-rowindex of the first row: the header is 1

  /**
   * @param {HTMLElement} box what scrolls @param {HTMLElement} body @param {() => number} rowHeight
   * @param {(item: object) => {row: HTMLElement}} build @param {(built: object, item: object) => void} paint
   */
  constructor(box, body, rowHeight, build, paint) {
    [this.#box, this.#body, this.#rowHeight, this.#build, this.#paint] = [box, body, rowHeight, build, paint];
    body.append(this.#above, this.#below);
    for (const space of [this.#above, this.#below]) space.append(make("td"));
  }

  /** Other rows, or the same in another order. Each has a `key` by which it is known again. */
  show(items, offset) {
    this.#items = items;
    this.#offset = offset;
    this.draw();
  }

  /** Forget what was built: the columns are others. */
  clear() {
    for (const { built } of this.#rows.values()) built.row.remove();
    this.#rows.clear();
  }

  /** Paint again what is in sight; rows that came into sight are built, others dropped. */
  draw() {
    const height = this.#rowHeight();
    // Before its first rows are there, the box is not yet as high as it will be.
    const seen = Math.max(this.#box.clientHeight, parseFloat(getComputedStyle(this.#box).maxHeight) || 0);
    const first = Math.max(0, Math.min(Math.floor(this.#box.scrollTop / height) - AROUND, this.#items.length - 1));
    const last = Math.min(this.#items.length, Math.ceil((this.#box.scrollTop + seen) / height) + AROUND);
    const window = this.#items.slice(first, last);
    const wanted = new Set(window.map((item) => item.key));
    const focused = this.#body.contains(document.activeElement) ? document.activeElement : null;
    for (const [key, { built }] of this.#rows) {
      if (wanted.has(key)) continue;
      built.row.remove();
      this.#rows.delete(key);
    }
    this.#place(window, first);
    this.#above.firstElementChild.style.height = `${first * height}px`;
    this.#below.firstElementChild.style.height = `${(this.#items.length - last) * height}px`;
    this.#above.hidden = first === 0;
    this.#below.hidden = last >= this.#items.length;
    // A row that is moved loses the focus; one that scrolled away leaves it to the box, where arrow keys go on.
    if (focused && document.activeElement !== focused) {
      (focused.isConnected ? focused : this.#box).focus({ preventScroll: true });
    }
  }

  #place(window, first) {
    let place = this.#above.nextElementSibling;
    window.forEach((item, i) => {
      let known = this.#rows.get(item.key);
      if (!known) this.#rows.set(item.key, (known = { built: this.#build(item) }));
      known.item = item;
      const { row } = known.built;
      row.setAttribute("aria-rowindex", String(first + i + this.#offset));
      if (row === place) place = place.nextElementSibling;
      else this.#body.insertBefore(row, place);
      this.#paint(known.built, item);
    });
  }

  indexOf(key) {
    return this.#items.findIndex((item) => item.key === key);
  }

  /** The rows from one index to another, whichever comes first. */
  itemsBetween(a, b) {
    return this.#items.slice(Math.max(0, Math.min(a, b)), Math.max(a, b) + 1);
  }

  built(key) {
    return this.#rows.get(key)?.built;
  }

  /** Bring a row into sight and return it. @param {number} index @param {number} covered pixels at the top that lie under the header */
  reveal(index, covered) {
    const height = this.#rowHeight();
    const top = index * height;
    const room = this.#box.clientHeight - covered - height;
    if (top < this.#box.scrollTop) this.#box.scrollTop = top;
    else if (top > this.#box.scrollTop + room) this.#box.scrollTop = top - room;
    this.draw();
    return this.built(this.#items[index]?.key);
  }
}
