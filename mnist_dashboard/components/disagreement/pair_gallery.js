/** Images that two runs fared alike with, a page at a time. */
import { drawDigit } from "../lib/evaluations/digit_images.js";
import { sentenceOf } from "../lib/evaluations/requests.js";
import { aDigit } from "../lib/evaluations/texts.js";
import { make, setAttribute, setText } from "../lib/dom.js";
import { formatCount } from "../lib/format.js";

const PAGE_SIZE = 20;

export class PairGallery {
  /** @type {number[]} */
  #images = [];
  /** @type {Uint8Array} */
  #labels = new Uint8Array(0);
  /** @type {(image: number) => string} */
  #answer = () => "";
  #page = 0;
  /** @type {(Uint8ClampedArray|null)[]} */
  #pictures = [];
  #load;
  #count = make("span", "mt-panel-count");
  #thumbs = Array.from({ length: PAGE_SIZE }, () => {
    const [canvas, label, answer] = [make("canvas", "mt-digit", { "aria-hidden": "true" }), make("span"), make("span", "mt-thumb-sure")];
    const words = make("span", "mt-thumb-words", { "aria-hidden": "true" }, label, answer);
    const element = make("button", "mt-thumb", { type: "button" }, canvas, words);
    return { canvas, label, answer, element };
  });
  #grid = make("div", "mt-thumbs", {}, ...this.#thumbs.map(({ element }) => element));
  #range = make("span", "mt-gallery-range", { role: "status" });
  #before = make("button", "mt-pager", { type: "button", "aria-label": "Earlier images" }, "‹");
  #after = make("button", "mt-pager", { type: "button", "aria-label": "Later images" }, "›");
  #note = make("p", "mt-panel-note", { hidden: "" });
  element;

  /**
   * @param {string} title @param {string} help @param {string[]} sides which are right, or wrong
   * @param {{load: (images: number[]) => Promise<Uint8ClampedArray[]>, onOpen: (image: number) => void}} actions
   */
  constructor(title, help, sides, { load, onOpen }) {
    this.#load = load;
    this.#thumbs.forEach(({ element }, n) => {
      element.addEventListener("click", () => onOpen(this.#images[this.#page * PAGE_SIZE + n]));
    });
    this.#before.addEventListener("click", () => this.#turn(-1));
    this.#after.addEventListener("click", () => this.#turn(1));
    const marks = sides.map((side) => make("span", "mt-pair-mark", { "data-side": side, "aria-hidden": "true" }));
    this.element = make("section", "mt-pair-gallery", { "aria-label": title },
      make("div", "mt-panel-names", {}, ...marks, make("h2", "mt-panel-title", {}, title), this.#count),
      make("p", "mt-pair-help", {}, help), this.#grid, this.#note,
      make("div", "mt-pages", {}, this.#range, this.#before, this.#after));
  }

  /** @param {number[]} images @param {Uint8Array} labels @param {(image: number) => string} answer in words */
  offer(images, labels, answer) {
    this.#images = images;
    this.#labels = labels;
    this.#answer = answer;
    this.#page = 0;
    setText(this.#count, formatCount(images.length));
    this.#tell(images.length ? "" : "None.");
    this.#draw();
  }

  /** The colours of the theme have changed. */
  redraw() {
    this.#thumbs.forEach(({ canvas }, n) => drawDigit(canvas, this.#pictures[n] ?? null));
  }

  /** @param {number} by */
  #turn(by) {
    this.#page += by;
    this.#draw();
  }

  async #draw() {
    const start = this.#page * PAGE_SIZE;
    const images = this.#images.slice(start, start + PAGE_SIZE);
    const last = Math.ceil(this.#images.length / PAGE_SIZE) - 1;
    this.#before.disabled = this.#page === 0;
    this.#after.disabled = this.#page >= last;
    this.#before.hidden = this.#after.hidden = last < 1;
    const range = `${formatCount(start + 1)} to ${formatCount(start + images.length)} of ${formatCount(this.#images.length)}`;
    setText(this.#range, images.length ? range : "");
    this.#thumbs.forEach(({ label, answer, element }, n) => {
      element.hidden = n >= images.length;
      if (n >= images.length) return;
      setText(label, String(this.#labels[images[n]]));
      setText(answer, this.#answer(images[n]));
      setAttribute(element, "aria-label", `Image ${images[n]}, ${aDigit(this.#labels[images[n]])}. ${this.#answer(images[n])}`);
    });
    try {
      const pictures = await this.#load(images);
      if (start !== this.#page * PAGE_SIZE) return; // turned meanwhile
      this.#pictures = pictures;
      this.redraw();
    } catch (error) {
      this.#tell(sentenceOf(error));
    }
  }

  /** @param {string} note */
  #tell(note) {
    this.#note.hidden = !note;
    setText(this.#note, note);
  }
}
