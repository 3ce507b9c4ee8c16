/**
 * What the confusion matrix shows: counts or shares of a row, of the test, the newest evaluation, the last batches (live) or an
 * earlier evaluation. In the browser rather than in Python, so that a new evaluation can be chosen as soon as it arrives, without
 * a rerun of the page. This browser keeps the choice.
 */
import { make, setAttribute, setText } from "../lib/dom.js";
import { KINDS, defaultSource, shownSource } from "./sources.js";

/** @import { Kind, Source } from "./sources.js" */

const STORAGE_KEY = "mnist-trainer-matrix";

export class MatrixControls {
  isNormalized = false;
  /** @type {Kind|null} for every run; null: what the page shows by itself */
  #kind = null;
  /** @type {{run: number|null, key: string|null}} an evaluation of one run */
  #earlier = { run: null, key: null };
  /** @type {Source[]} */
  #sources = [];
  #hasEnded = false;
  /** @type {number|null} */
  #run = null;
  #listed = "";
  #onChange;
  #counts = makeButton("Counts", () => this.#setNormalized(false));
  #shares = makeButton("Row %", () => this.#setNormalized(true));
  #chips = new Map(KINDS.map((kind) => [kind, makeButton("", () => this.#choose(kind, null))]));
  #list = make("select", "mt-matrix-earlier", { "aria-label": "Earlier evaluations" });

  /** @param {HTMLElement} box @param {() => void} onChange */
  constructor(box, onChange) {
    this.#onChange = onChange;
    this.#recall();
    this.#list.addEventListener("change", () => this.#choose(null, this.#list.value));
    const cells = make("div", "mt-matrix-segments", { role: "group", "aria-label": "Cell values" }, this.#counts, this.#shares);
    const chips = make("div", "mt-matrix-sources", { role: "group", "aria-label": "Shown matrix" }, ...this.#chips.values(), this.#list);
    box.append(make("div", "mt-matrix-head", {}, make("h2", "mt-matrix-title", {}, "Confusion matrix"), cells), chips);
    this.offer(null, [], false);
  }

  /**
   * Offer the matrices of a run, and return the one to show.
   * @param {number|null} run @param {Source[]} sources @param {boolean} hasEnded whether the run has
   */
  offer(run, sources, hasEnded) {
    this.#run = run;
    this.#sources = sources;
    this.#hasEnded = hasEnded;
    const shown = this.#shown();
    for (const [kind, chip] of this.#chips) {
      const source = sources.find((candidate) => candidate.kind === kind);
      chip.hidden = !source;
      setText(chip, source?.chip ?? "");
      setAttribute(chip, "title", source?.label ?? null);
      setAttribute(chip, "aria-pressed", String(Boolean(source) && source === shown));
    }
    this.#offerEarlier(sources.filter(({ kind }) => kind === null), shown);
    setAttribute(this.#counts, "aria-pressed", String(!this.isNormalized));
    setAttribute(this.#shares, "aria-pressed", String(this.isNormalized));
    return shown;
  }

  /** @param {Source[]} earlier @param {Source|null} shown */
  #offerEarlier(earlier, shown) {
    const listed = earlier.map(({ key }) => key).join();
    if (listed !== this.#listed) {
      this.#listed = listed;
      const options = earlier.map(({ key, chip }) => make("option", "", { value: key }, chip));
      this.#list.replaceChildren(make("option", "", { value: "", hidden: "" }, "Earlier"), ...options);
    }
    this.#list.hidden = !earlier.length;
    const isShown = shown?.kind === null;
    this.#list.value = isShown ? shown.key : "";
    this.#list.toggleAttribute("data-chosen", isShown);
  }

  #shown() {
    const key = this.#earlier.run === this.#run ? this.#earlier.key : null;
    return shownSource(this.#sources, this.#hasEnded, { key, kind: this.#kind });
  }

  /** @param {Kind|null} kind @param {string|null} key */
  #choose(kind, key) {
    this.#earlier = { run: this.#run, key };
    if (kind) {
      this.#kind = kind === defaultSource(this.#sources, this.#hasEnded)?.kind ? null : kind;
      this.#remember();
    }
    this.#onChange();
  }

  /** @param {boolean} isNormalized */
  #setNormalized(isNormalized) {
    this.isNormalized = isNormalized;
    this.#remember();
    this.#onChange();
  }

  #recall() {
    try {
      const { kind, shares } = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "{}");
      this.#kind = KINDS.includes(kind) ? kind : null;
      this.isNormalized = shares === true;
    } catch {
      // Storage is switched off, or holds something else: the defaults serve.
    }
  }

  #remember() {
    try {
      localStorage.setItem(STORAGE_KEY, JSON.stringify({ kind: this.#kind, shares: this.isNormalized }));
    } catch {
      // Storage is switched off or full: the choice holds until the page is closed.
    }
  }
}

/** @param {string} text @param {() => void} onClick */
function makeButton(text, onClick) {
  const button = make("button", "mt-matrix-button", { type: "button" }, text);
  button.addEventListener("click", onClick);
  return button;
}
