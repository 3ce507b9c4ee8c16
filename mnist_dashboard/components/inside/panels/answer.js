/** The chosen image, and the ten probabilities as small columns. */
import { drawDigit } from "../../lib/evaluations/digit_images.js";
import { aDigit, arrow, formatLevel } from "../../lib/evaluations/texts.js";
import { make, setAttribute, setText } from "../../lib/dom.js";
import { nameImage } from "../model/words.js";

/**
 * @import { Answers } from "../../lib/evaluations/run_evaluations.js"
 * @import { Split } from "../../lib/types"
 * @typedef {{split: Split, image: number, label: number, answers: Answers}} Chosen
 */

export class Answer {
  /** @type {Uint8ClampedArray|null} */
  #picture = null;
  #canvas = make("canvas", "mt-digit", { role: "img" });
  #words = make("span", "mt-look-words", { role: "status" });
  #sure = make("span", "mt-panel-count");
  #mistakes = make("button", "mt-pill", { type: "button" }, "Show in Mistakes");
  #columns = Array.from({ length: 10 }, (_, digit) => {
    const bar = make("span", "mt-look-bar", { "aria-hidden": "true" });
    const figure = make("span", "mt-look-digit", { "aria-hidden": "true" }, String(digit));
    const column = make("div", "mt-look-column", { role: "listitem" }, bar, figure);
    return { bar, column };
  });
  element = make("div", "mt-look", {}, this.#canvas,
    make("div", "mt-look-answer", {},
      make("div", "mt-look-head", {}, make("span", "", {}, this.#words, " ", this.#sure), this.#mistakes),
      make("div", "mt-look-columns", { role: "list", "aria-label": "Probability of each digit" },
        ...this.#columns.map(({ column }) => column))));

  /** @param {() => void} onMistakes */
  constructor(onMistakes) {
    this.#mistakes.addEventListener("click", onMistakes);
  }

  /** @param {Chosen|null} chosen */
  offer(chosen) {
    this.element.hidden = !chosen;
    if (!chosen) return;
    this.#mistakes.hidden = false;
    const { split, image, label, answers: { predicted, levels } } = chosen;
    const answer = predicted[image];
    setText(this.#words, arrow(label, answer));
    setAttribute(this.#words, "aria-label", `${nameImage(split, image)}: ${aDigit(label)}, read as ${answer}`);
    setText(this.#sure, levels ? formatLevel(levels[10 * image + answer]) : "");
    setAttribute(this.#canvas, "aria-label", `${nameImage(split, image)}, ${aDigit(label)}`);
    this.#columns.forEach(({ bar, column }, digit) => {
      const level = levels ? levels[10 * image + digit] : digit === answer ? 255 : 0;
      bar.style.setProperty("--share", String(level / 255));
      setAttribute(column, "data-role", roleOf(digit, answer, label));
      setAttribute(column, "aria-label", levels ? `${digit}: ${formatLevel(level)}` : `${digit}${digit === answer ? ": the answer" : ""}`);
    });
  }

  /**
   * A digit that the reader drew. @param {number[]|null} probabilities null while they are not known
   * @param {number|null} label what it is meant to be, if that is known
   */
  offerDrawing(probabilities, label) {
    this.element.hidden = false;
    this.#mistakes.hidden = true;
    const digit = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1;
    const words = !probabilities ? "" : label === null ? `Read as ${digit}` : arrow(label, digit);
    setText(this.#words, words);
    setAttribute(this.#words, "aria-label", `Your digit: ${label === null ? words : `${aDigit(label)}, read as ${digit}`}`);
    setText(this.#sure, probabilities ? formatLevel(255 * probabilities[digit]) : "");
    setAttribute(this.#canvas, "aria-label", "Your digit");
    this.#columns.forEach(({ bar, column }, n) => {
      const share = probabilities?.[n] ?? 0;
      bar.style.setProperty("--share", String(share));
      setAttribute(column, "data-role", roleOf(n, digit, label ?? digit));
      setAttribute(column, "aria-label", `${n}: ${formatLevel(255 * share)}`);
    });
  }

  /** @param {Uint8ClampedArray|null} picture */
  drawPicture(picture) {
    this.#picture = picture;
    this.redraw();
  }

  redraw() {
    drawDigit(this.#canvas, this.#picture);
  }
}

/** The true digit is blue, a wrong answer orange, as in Mistakes. @param {number} digit @param {number} answer @param {number} label */
const roleOf = (digit, answer, label) => (digit === label ? "label" : digit === answer ? "wrong" : null);
