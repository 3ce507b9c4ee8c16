/** Which settings of a search matter, as bars, and the ranges in which its best trials lie. */
import { make, setText } from "../lib/dom.js";

/** @import { Analysis, GoodRange, Importance } from "./sweep_analysis.js" */
/** @typedef {{parameters: Record<string, unknown>, fixed: Record<string, unknown>}} Narrowed */

const THIN = "\u202f";

export class WhatMatters {
  /** @type {GoodRange[]} */
  #ranges = [];
  #mayAct = false;
  #count = make("span", "mt-analysis-aside");
  #bars = make("ul", "mt-matters-bars");
  #note = make("p", "mt-analysis-note", { role: "status" }, "What matters shows after 10 trials.");
  #list = make("dl", "mt-matters-ranges");
  #narrow = make("button", "mt-matters-narrow", { type: "button", title: "Fills the form with these ranges" }, "Narrow the search to it");
  #good = make("section", "mt-matters-good", { "aria-label": "Good range" },
    make("div", "mt-analysis-head", {},
      make("h2", "", {}, "Good range"), make("span", "mt-analysis-aside", {}, "where the best quarter lies")),
    this.#list, this.#narrow);
  element = make("div", "mt-analysis-right", {},
    make("section", "", { "aria-label": "What matters" },
      make("div", "mt-analysis-head", {}, make("h2", "", {}, "What matters"), this.#count), this.#bars, this.#note),
    this.#good);

  /** @param {(narrowed: Narrowed) => void} onNarrow */
  constructor(onNarrow) {
    this.#good.hidden = true;
    this.#narrow.addEventListener("click", () => onNarrow(narrowedTo(this.#ranges)));
  }

  /** @param {boolean} mayAct */
  setMayAct(mayAct) {
    this.#mayAct = mayAct;
    this.#narrow.hidden = !mayAct;
  }

  /** @param {Analysis} analysis */
  show({ trials, importance, message, good_ranges: ranges }) {
    setText(this.#count, importance ? `after ${trials} trials` : "");
    this.#bars.replaceChildren(...(importance?.settings ?? []).map(makeBar));
    setText(this.#note, importance ? explanation(importance) : message);
    this.#ranges = ranges;
    this.#list.replaceChildren(...ranges.map(({ label, text }) =>
      make("div", "", {}, make("dt", "", {}, label), make("dd", "", {}, text))));
    this.#good.hidden = !ranges.length;
    this.#narrow.hidden = !this.#mayAct;
  }

  /** @param {string} sentence why there is no analysis */
  fail(sentence) {
    setText(this.#note, sentence);
  }
}

/** @param {Importance} importance */
function makeBar({ label, share, low, high, certain }) {
  const percent = (/** @type {number} */ value) => `${Math.round(100 * value)}${THIN}%`;
  const fill = make("span", certain ? "mt-matters-fill" : "mt-matters-fill mt-matters-pale");
  fill.style.width = `${100 * share}%`;
  const range = make("span", "mt-matters-range");
  range.style.left = `${100 * low}%`;
  range.style.width = `${100 * (high - low)}%`;
  const title = `${percent(low)} to ${percent(high)}${certain ? "" : ": may be chance"}`;
  return make("li", "", { title },
    make("span", "mt-matters-label", {}, label),
    make("span", "mt-matters-track", { "aria-hidden": "true" }, fill, range),
    make("span", "mt-matters-share", {}, percent(share), make("span", "mt-analysis-hidden", {}, certain ? "" : ", may be chance")));
}

/** @param {{explained: number, settings: Importance[]}} importance */
function explanation({ explained, settings }) {
  const total = `${Math.round(100 * explained)}${THIN}%`;
  const first = `Share of the order of the trials that each setting accounts for; together they explain ${total}.`;
  return settings.every(({ certain }) => certain) ? first : `${first} Pale bars may be chance.`;
}

/** The settings of a search within good ranges. @param {GoodRange[]} ranges @returns {Narrowed} */
function narrowedTo(ranges) {
  const entries = (/** @type {boolean} */ isFixed) =>
    Object.fromEntries(ranges.filter(({ is_fixed: fixed }) => fixed === isFixed).map(({ name, narrowed }) => [name, narrowed]));
  return { parameters: entries(false), fixed: entries(true) };
}
