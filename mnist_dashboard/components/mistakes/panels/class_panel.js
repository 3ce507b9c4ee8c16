/** Below the matrix: the scores of each digit, or how far the network's certainty can be believed. */
import { make, setAttribute } from "../../lib/dom.js";
import { Certainty } from "./certainty.js";
import { ClassTable } from "./class_table.js";

/**
 * @import { Evaluated } from "../../lib/evaluations/run_evaluations.js"
 * @import { Matrix } from "../../lib/types"
 */

export class ClassPanel {
  /** @type {Evaluated|null} */
  #evaluation = null;
  #isCertainty = false;
  #table = new ClassTable();
  #certainty;
  #scores = make("button", "mt-class-tab", { type: "button" }, "Scores by digit");
  #sureness = make("button", "mt-class-tab", { type: "button" }, "Certainty");
  element;

  /** @param {number} run */
  constructor(run) {
    this.#certainty = new Certainty(run);
    this.element = make("section", "mt-classes-panel", { "aria-label": "Scores" },
      make("div", "mt-class-tabs", { role: "group", "aria-label": "What stands below the matrix" }, this.#scores, this.#sureness),
      this.#table.element, this.#certainty.element);
    this.#scores.addEventListener("click", () => this.#choose(false));
    this.#sureness.addEventListener("click", () => this.#choose(true));
    this.#choose(false);
  }

  /** @param {Evaluated|null} evaluation @param {Matrix|null} matrix @param {number|null} digit of the choice */
  offer(evaluation, matrix, digit) {
    this.#evaluation = evaluation;
    this.#table.offer(matrix, digit);
    if (this.#isCertainty) this.#certainty.offer(evaluation);
  }

  /** @param {boolean} isCertainty */
  #choose(isCertainty) {
    this.#isCertainty = isCertainty;
    setAttribute(this.#scores, "aria-pressed", String(!isCertainty));
    setAttribute(this.#sureness, "aria-pressed", String(isCertainty));
    this.#table.element.hidden = isCertainty;
    this.#certainty.element.hidden = !isCertainty;
    if (isCertainty) this.#certainty.offer(this.#evaluation);
  }
}
