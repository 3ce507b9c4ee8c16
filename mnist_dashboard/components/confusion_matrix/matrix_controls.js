/**
 * What the confusion matrix shows: counts or shares of a row, of the last batches (live) or of one evaluation. In the browser
 * rather than in Python, so that a new evaluation can be chosen as soon as it arrives, without a rerun of the page.
 */
import { make } from "../lib/dom.js";
import { formatCount } from "../lib/format.js";

/**
 * @import { RunSeries } from "../../feed/client/series.js"
 * @import { Evaluation } from "../lib/types"
 */

const LIVE = "live";
const BUTTONS = 2; // the latest evaluations have a button each; earlier ones are in a list

/** @param {Evaluation} evaluation */
const keyOf = ({ split, step }) => `${split}:${step}`;

/** @param {Evaluation} evaluation */
const labelOf = ({ split, step }) => (split === "test" ? `Test, step ${formatCount(step)}` : `Step ${formatCount(step)}`);

export class MatrixControls {
  isNormalized = false;
  #chosen = LIVE;
  #offered = "";
  #onChange;
  #counts = makeButton("Counts", () => this.#setNormalized(false));
  #shares = makeButton("Row %", () => this.#setNormalized(true));
  #sources = make("div", "mt-matrix-sources", { role: "group", "aria-label": "Shown matrix" });
  /** @type {Map<string, HTMLButtonElement>} by key of the evaluation, or `LIVE` */
  #buttons = new Map();
  /** @type {HTMLSelectElement|null} null while every evaluation has a button */
  #earlier = null;

  /** @param {HTMLElement} box @param {() => void} onChange */
  constructor(box, onChange) {
    this.#onChange = onChange;
    const cells = make("div", "mt-matrix-segments", { role: "group", "aria-label": "Cell values" }, this.#counts, this.#shares);
    const head = make("div", "mt-matrix-head", {}, make("h3", "mt-matrix-title", {}, "Confusion matrix"), cells);
    box.append(head, this.#sources);
    this.#markChosen();
  }

  /** The chosen evaluation, or null for the live matrix. @param {RunSeries} series */
  evaluation(series) {
    return series.evaluations.find((evaluation) => keyOf(evaluation) === this.#chosen) ?? null;
  }

  /** Offer every matrix that a run has. @param {RunSeries|undefined} series */
  offer(series) {
    const evaluations = series?.evaluations ?? [];
    if (!evaluations.some((evaluation) => keyOf(evaluation) === this.#chosen)) this.#chosen = LIVE;
    const batches = series?.matrixBatches ?? 0;
    const offered = series?.matrix || evaluations.length ? `${batches}|${evaluations.map(keyOf)}` : "";
    if (offered !== this.#offered) {
      this.#offered = offered;
      this.#fillSources(offered ? batches : 0, evaluations);
    }
    this.#markChosen();
  }

  /** @param {number} batches 0 if there is no matrix at all @param {Evaluation[]} evaluations */
  #fillSources(batches, evaluations) {
    this.#buttons.clear();
    this.#earlier = null;
    if (batches) this.#addButton(`Live, last ${formatCount(batches)} batches`, LIVE);
    for (const evaluation of evaluations.slice(-BUTTONS)) this.#addButton(labelOf(evaluation), keyOf(evaluation));
    const earlier = evaluations.slice(0, -BUTTONS).toReversed();
    if (earlier.length) {
      const list = make("select", "mt-matrix-earlier", { "aria-label": "Earlier evaluations" },
        make("option", "", { value: "" }, "Earlier"),
        ...earlier.map((evaluation) => make("option", "", { value: keyOf(evaluation) }, labelOf(evaluation))));
      list.addEventListener("change", () => this.#choose(list.value || LIVE));
      this.#earlier = list;
    }
    this.#sources.replaceChildren(...this.#buttons.values(), ...(this.#earlier ? [this.#earlier] : []));
  }

  /** @param {string} text @param {string} key */
  #addButton(text, key) {
    this.#buttons.set(key, makeButton(text, () => this.#choose(key)));
  }

  /** @param {string} key */
  #choose(key) {
    this.#chosen = key;
    this.#markChosen();
    this.#onChange();
  }

  /** @param {boolean} isNormalized */
  #setNormalized(isNormalized) {
    this.isNormalized = isNormalized;
    this.#markChosen();
    this.#onChange();
  }

  #markChosen() {
    this.#counts.setAttribute("aria-pressed", String(!this.isNormalized));
    this.#shares.setAttribute("aria-pressed", String(this.isNormalized));
    for (const [key, button] of this.#buttons) button.setAttribute("aria-pressed", String(key === this.#chosen));
    if (this.#earlier) {
      const isListed = this.#chosen !== LIVE && !this.#buttons.has(this.#chosen);
      this.#earlier.value = isListed ? this.#chosen : "";
      this.#earlier.toggleAttribute("data-chosen", isListed);
    }
  }
}

/** @param {string} text @param {() => void} onClick */
function makeButton(text, onClick) {
  const button = make("button", "mt-matrix-button", { type: "button" }, text);
  button.addEventListener("click", onClick);
  return button;
}
