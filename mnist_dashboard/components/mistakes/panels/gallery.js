/** The images of a choice, a page at a time: each with its label, the answer, and how sure the network was. */
import { drawDigit } from "../../lib/evaluations/digit_images.js";
import { arrow, count, formatLevel } from "../../lib/evaluations/texts.js";
import { make, setAttribute, setText } from "../../lib/dom.js";
import { formatCount } from "../../lib/format.js";
import { ORDERS, confidence } from "../model/selection.js";

/**
 * @import { Answers } from "../../lib/evaluations/run_evaluations.js"
 * @import { Order } from "../model/selection.js"
 * @typedef {object} GalleryActions
 * @property {(order: Order) => void} order
 * @property {(label: number|null) => void} label of the mistakes to show; null for all
 * @property {(page: number) => void} page
 * @property {(image: number) => void} image
 */

class Thumb {
  #canvas = make("canvas", "mt-digit", { "aria-hidden": "true" });
  #answer = make("span");
  #sureness = make("span", "mt-thumb-sure");
  #bar = make("span", "mt-thumb-bar", { "aria-hidden": "true" });
  element = make("button", "mt-thumb", { type: "button", tabindex: "-1" }, this.#canvas,
    make("span", "mt-thumb-words", {}, this.#answer, this.#sureness), this.#bar);

  /** @param {number|null} image @param {number} label @param {Answers|null} answers @param {boolean} isChosen */
  offer(image, label, answers, isChosen) {
    this.element.hidden = image === null;
    if (image === null || !answers) return;
    const predicted = answers.predicted[image];
    const level = confidence(answers, image);
    const sure = answers.levels ? formatLevel(level) : "";
    setText(this.#answer, arrow(label, predicted));
    setText(this.#sureness, sure);
    this.#bar.hidden = !answers.levels;
    this.#bar.style.setProperty("--share", String(level / 255));
    this.#bar.toggleAttribute("data-right", predicted === label);
    setAttribute(this.element, "aria-label", `Image ${image}: ${label} read as ${predicted}${sure && `, ${sure}`}`);
    setAttribute(this.element, "aria-pressed", String(isChosen));
    this.element.dataset.image = String(image);
  }

  /** @param {Uint8ClampedArray|null} levels */
  draw(levels) {
    drawDigit(this.#canvas, levels);
  }
}

export class Gallery {
  #actions;
  #pageSize = 15;
  #page = 0;
  #total = 0;
  /** @type {number[]} on this page */
  #images = [];
  /** @type {Thumb[]} */
  #thumbs = [];
  #title = make("h2", "mt-panel-title");
  #count = make("span", "mt-panel-count");
  #labels = make("select", "mt-choice", { "aria-label": "Digit" },
    make("option", "", { value: "" }, "All digits"),
    ...Array.from({ length: 10 }, (_, digit) => make("option", "", { value: String(digit) }, `Digit: ${digit}`)));
  #orders = new Map(/** @type {Order[]} */ (Object.keys(ORDERS)).map((order) => (
    [order, make("button", "mt-pill", { type: "button" }, ORDERS[order])])));
  #range = make("span", "mt-gallery-range", { role: "status" });
  #before = make("button", "mt-pager", { type: "button", "aria-label": "Earlier images" }, "‹");
  #after = make("button", "mt-pager", { type: "button", "aria-label": "Later images" }, "›");
  #grid = make("div", "mt-thumbs", { role: "group", "aria-label": "Images" });
  #note = make("p", "mt-panel-note");
  element = make("section", "mt-gallery", {},
    make("div", "mt-panel-head", {}, make("div", "mt-panel-names", {}, this.#title, this.#count), this.#labels),
    make("div", "mt-gallery-tools", {},
      make("div", "mt-pills", { role: "group", "aria-label": "Order" }, ...this.#orders.values()),
      make("div", "mt-pages", {}, this.#range, this.#before, this.#after)),
    this.#grid, this.#note);

  /** @param {GalleryActions} actions */
  constructor(actions) {
    this.#actions = actions;
    for (const [order, button] of this.#orders) button.addEventListener("click", () => actions.order(order));
    this.#labels.addEventListener("change", () => actions.label(this.#labels.value === "" ? null : Number(this.#labels.value)));
    this.#before.addEventListener("click", () => this.#turn(-1));
    this.#after.addEventListener("click", () => this.#turn(1));
    this.#grid.addEventListener("click", (event) => {
      const thumb = event.target instanceof Element ? event.target.closest(".mt-thumb") : null;
      if (thumb instanceof HTMLElement) actions.image(Number(thumb.dataset.image));
    });
    this.#grid.addEventListener("keydown", (event) => this.#onKey(event));
    this.setPageSize(15);
  }

  /** Numbers of the images on this page. */
  get images() {
    return this.#images;
  }

  get pageSize() {
    return this.#pageSize;
  }

  /** @param {number} size */
  setPageSize(size) {
    if (size === this.#thumbs.length) return;
    this.#pageSize = size;
    this.#thumbs = Array.from({ length: size }, () => new Thumb());
    this.#grid.replaceChildren(...this.#thumbs.map((thumb) => thumb.element));
  }

  /**
   * @param {string} title @param {number|null} label in the list of digits @param {Order} order
   * @param {boolean} hasOrder whether the network's sureness was kept
   */
  offerChoice(title, label, order, hasOrder) {
    setText(this.#title, title);
    this.#labels.value = label === null ? "" : String(label);
    for (const [name, button] of this.#orders) {
      button.disabled = !hasOrder && name !== "random";
      setAttribute(button, "title", button.disabled ? "This run kept its answers without probabilities." : null);
      setAttribute(button, "aria-pressed", String(name === order && !button.disabled));
    }
  }

  /**
   * Show a page of images; `note` says why there are none.
   * @param {number[]} images all of the choice @param {number} page @param {Uint8Array|null} labels @param {Answers|null} answers
   * @param {number|null} chosen @param {string} note
   */
  offerImages(images, page, labels, answers, chosen, note) {
    const start = page * this.#pageSize;
    this.#page = page;
    this.#total = images.length;
    this.#images = images.slice(start, start + this.#pageSize);
    this.#thumbs.forEach((thumb, n) => {
      const image = this.#images[n] ?? null;
      thumb.offer(image, image === null ? 0 : (labels?.[image] ?? 0), answers, image === chosen);
    });
    const focused = Math.max(0, this.#images.indexOf(chosen ?? -1));
    this.#thumbs.forEach((thumb, n) => { thumb.element.tabIndex = n === focused ? 0 : -1; });
    setText(this.#count, answers && labels ? count(images.length, "image") : "");
    const end = start + this.#images.length;
    const pages = Math.ceil(images.length / this.#pageSize);
    setText(this.#range, this.#images.length ? `${formatCount(start + 1)} to ${formatCount(end)}` : "");
    this.#before.hidden = this.#after.hidden = pages < 2;
    this.#before.disabled = page === 0;
    this.#after.disabled = page >= pages - 1;
    this.#note.hidden = !note;
    this.#grid.hidden = Boolean(note);
    setText(this.#note, note);
    return this.#images;
  }

  /** @param {(Uint8ClampedArray|null)[]} pictures of the images on this page */
  draw(pictures) {
    this.#thumbs.forEach((thumb, n) => thumb.draw(pictures[n] ?? null));
  }

  /** @param {number} by */
  #turn(by) {
    const last = Math.max(0, Math.ceil(this.#total / this.#pageSize) - 1);
    this.#actions.page(Math.min(last, Math.max(0, this.#page + by)));
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "PageUp" || event.key === "PageDown") {
      event.preventDefault();
      this.#turn(event.key === "PageUp" ? -1 : 1);
      return;
    }
    const at = this.#thumbs.findIndex((thumb) => thumb.element === event.target);
    const columns = getComputedStyle(this.#grid).gridTemplateColumns.split(" ").length;
    /** @type {Record<string, number>} */
    const targets = {
      ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - columns, ArrowDown: at + columns, Home: 0, End: this.#images.length - 1,
    };
    const image = this.#images[targets[event.key]];
    if (image === undefined) return;
    event.preventDefault();
    this.#actions.image(image);
    this.#thumbs[targets[event.key]].element.focus();
  }
}
