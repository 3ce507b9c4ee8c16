/** Ten rows, one a digit: a bar and a figure for each run. Every row keeps its height. */
import { make, setAttribute, setText } from "../../lib/dom.js";
import { digitOf, formatShare } from "./words.js";

/** @import { Answer, Judge } from "./words.js" */

const DIGITS = [...Array(10).keys()];

export class Bars {
  #rows = DIGITS.map(() => make("div", "mt-bars-row", { role: "row" }));
  #head = make("div", "mt-bars-row mt-bars-head", { role: "row" });
  element = make("div", "mt-bars", { role: "table", "aria-label": "Probability of each digit in percent, by run" },
    this.#head, ...this.#rows);
  /** @type {Judge[]} */
  #judges = [];
  #drawn = "";
  /** @type {{heads: HTMLElement[], bars: HTMLElement[][], figures: HTMLElement[][]}} */
  #parts = { heads: [], bars: [], figures: [] };

  /** @param {Judge[]} judges */
  setJudges(judges) {
    const content = JSON.stringify(judges);
    if (content === this.#drawn) return;
    this.#drawn = content;
    this.#judges = judges;
    this.element.style.setProperty("--runs", String(judges.length));
    const named = judges.map(({ name }, i) =>
      make("span", "mt-bars-run", { role: "columnheader", title: name }, swatch(i), make("span", "mt-bars-name", {}, name)));
    this.#head.replaceChildren(make("span", "", { role: "columnheader", "aria-label": "Digit" }),
      make("span", "", { "aria-hidden": "true" }, judges.length ? "Probability, %" : ""), ...named);
    const heads = DIGITS.map((digit) => make("span", "mt-bars-digit", { role: "rowheader" }, String(digit)));
    const bars = DIGITS.map(() => judges.map((_, i) => make("i", "", { style: `--run: var(--mt-run-${i})` })));
    const figures = DIGITS.map(() => judges.map(() => make("span", "mt-bars-figure", { role: "cell" })));
    this.#rows.forEach((row, digit) => {
      row.replaceChildren(heads[digit], make("span", "mt-bars-bars", { "aria-hidden": "true" }, ...bars[digit]), ...figures[digit]);
    });
    this.#parts = { heads, bars, figures };
    this.show([]);
  }

  /** @param {Answer[]} answers none for empty rows */
  show(answers) {
    const shares = this.#judges.map(({ id }) => answers.find(({ run }) => run === id)?.probabilities ?? null);
    const read = shares.map((probabilities) => (probabilities ? digitOf(probabilities) : -1));
    const first = read.find((digit) => digit >= 0);
    for (const digit of DIGITS) {
      setAttribute(this.#parts.heads[digit], "data-read", digit === first ? "" : null);
      shares.forEach((probabilities, i) => {
        const share = probabilities?.[digit] ?? null;
        const [bar, figure] = [this.#parts.bars[digit][i], this.#parts.figures[digit][i]];
        bar.style.width = share === null ? "0" : `max(1px, ${(100 * share).toFixed(2)}%)`;
        setText(figure, share === null ? "" : formatShare(share));
        setAttribute(figure, "data-read", read[i] === digit ? "" : null);
        setAttribute(figure, "data-small", share !== null && share < 0.01 ? "" : null);
      });
    }
  }
}

/** A square in the colour of the run at an index. @param {number} index */
function swatch(index) {
  return make("span", "mt-swatch", { "aria-hidden": "true", style: `--run: var(--mt-run-${index})` });
}
