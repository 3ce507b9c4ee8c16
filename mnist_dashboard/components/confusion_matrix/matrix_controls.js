/**
 * What the confusion matrix shows: counts or shares of a row, of the last batches (live) or of one evaluation. In the browser
 * rather than in Python, so that a new evaluation can be chosen as soon as it arrives, without a rerun of the page.
 */
import { make } from "../lib/dom.js";
import { whole } from "../lib/format.js";

const LIVE = "live";
const DIRECT = 2; // so many of the latest evaluations have a button; earlier ones are in a list

const keyOf = (evaluation) => `${evaluation.split}:${evaluation.step}`;
const labelOf = ({ split, step }) => (split === "test" ? `Test, step ${whole(step)}` : `Step ${whole(step)}`);

export class MatrixControls {
  normalise = false;
  #chosen = LIVE;
  #offered = "";
  #changed;
  #elements;

  /** @param {HTMLElement} box @param {() => void} changed */
  constructor(box, changed) {
    this.#changed = changed;
    const counts = this.#button("Counts", () => this.#setNormalise(false));
    const shares = this.#button("Row %", () => this.#setNormalise(true));
    const cells = make("div", "mt-matrix-segments", { role: "group", "aria-label": "Cell values" }, counts, shares);
    const head = make("div", "mt-matrix-head", {}, make("h3", "mt-matrix-title", {}, "Confusion matrix"), cells);
    const sources = make("div", "mt-matrix-sources", { role: "group", "aria-label": "Shown matrix" });
    box.append(head, sources);
    this.#elements = { counts, shares, sources };
    this.#mark();
  }

  /** The evaluation that was chosen, or null for the live matrix. @param {import("../../feed/client/series.js").RunSeries} series */
  evaluation(series) {
    return series.evaluations.find((e) => keyOf(e) === this.#chosen) ?? null;
  }

  /** Offer what there is. @param {import("../../feed/client/series.js").RunSeries|undefined} series */
  offer(series) {
    const evaluations = series?.evaluations ?? [];
    if (this.#chosen !== LIVE && !evaluations.some((e) => keyOf(e) === this.#chosen)) this.#chosen = LIVE;
    const offered = series?.matrix || evaluations.length ? `${series.matrixBatches}|${evaluations.map(keyOf)}` : "";
    if (offered !== this.#offered) {
      this.#offered = offered;
      this.#elements.sources.replaceChildren(...(offered ? this.#sources(series.matrixBatches, evaluations) : []));
    }
    this.#mark();
  }

  #sources(batches, evaluations) {
    const latest = evaluations.slice(-DIRECT);
    const buttons = [
      this.#button(`Live, last ${whole(batches)} batches`, () => this.#choose(LIVE), LIVE),
      ...latest.map((e) => this.#button(labelOf(e), () => this.#choose(keyOf(e)), keyOf(e))),
    ];
    const earlier = evaluations.slice(0, -DIRECT);
    if (!earlier.length) return buttons;
    const list = make("select", "mt-matrix-earlier", { "aria-label": "Earlier evaluations" },
      make("option", "", { value: "" }, "Earlier"),
      ...earlier.toReversed().map((e) => make("option", "", { value: keyOf(e) }, labelOf(e))));
    list.addEventListener("change", () => this.#choose(list.value || LIVE));
    return [...buttons, list];
  }

  #button(text, act, key = "") {
    const button = make("button", "mt-matrix-button", { type: "button", "data-key": key }, text);
    button.addEventListener("click", act);
    return button;
  }

  #choose(key) {
    this.#chosen = key;
    this.#mark();
    this.#changed();
  }

  #setNormalise(on) {
    this.normalise = on;
    this.#mark();
    this.#changed();
  }

  #mark() {
    const { counts, shares, sources } = this.#elements;
    counts.setAttribute("aria-pressed", String(!this.normalise));
    shares.setAttribute("aria-pressed", String(this.normalise));
    for (const element of sources.children) {
      if (element.tagName === "SELECT") {
        const listed = [...element.options].some((option) => option.value === this.#chosen);
        element.value = listed ? this.#chosen : "";
        element.toggleAttribute("data-chosen", listed);
      } else {
        element.setAttribute("aria-pressed", String(element.dataset.key === this.#chosen));
      }
    }
  }
}
