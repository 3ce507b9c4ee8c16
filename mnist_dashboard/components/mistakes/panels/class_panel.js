/** Below the matrix: the scores of each digit, how far the network's certainty can be believed, or the story of the chosen image. */
import { make, setAttribute } from "../../lib/dom.js";
import { Certainty } from "./certainty.js";
import { ClassTable } from "./class_table.js";
import { ImageStory } from "./image_story.js";

/**
 * @import { Evaluated } from "../../lib/evaluations/run_evaluations.js"
 * @import { Matrix } from "../../lib/types"
 */

/** @typedef {"scores"|"certainty"|"story"} Tab */

/** @type {Record<Tab, string>} */
const TABS = { scores: "Scores by digit", certainty: "Certainty", story: "This image over training" };

export class ClassPanel {
  /** @type {Evaluated|null} */
  #evaluation = null;
  /** @type {number|null} */
  #image = null;
  /** @type {Tab} */
  #tab = "scores";
  #table = new ClassTable();
  #certainty;
  #story;
  #tabs = new Map(/** @type {Tab[]} */ (Object.keys(TABS)).map((tab) => (
    [tab, make("button", "mt-class-tab", { type: "button" }, TABS[tab])])));
  #note = make("span", "mt-class-note", {}, "Orange: the lowest of a row.");
  element;

  /** @param {number} run */
  constructor(run) {
    this.#certainty = new Certainty(run);
    this.#story = new ImageStory(run);
    const tabs = make("div", "mt-class-tabs", { role: "group", "aria-label": "What stands below the matrix" }, ...this.#tabs.values());
    this.element = make("section", "mt-classes-panel", { "aria-label": "Scores" },
      make("div", "mt-class-head", {}, tabs, this.#note), this.#table.element, this.#certainty.element, this.#story.element);
    for (const [tab, button] of this.#tabs) button.addEventListener("click", () => this.#choose(tab));
    this.#choose("scores");
  }

  destroy() {
    this.#story.destroy();
  }

  /**
   * @param {Evaluated|null} evaluation @param {Matrix|null} matrix @param {number|null} digit of the choice
   * @param {number|null} image the chosen one
   */
  offer(evaluation, matrix, digit, image) {
    this.#evaluation = evaluation;
    this.#image = image;
    this.#table.offer(matrix, digit);
    this.#offerTab();
  }

  /** @param {number} totalSteps @param {number[]} epochEnds steps */
  setAxis(totalSteps, epochEnds) {
    this.#story.setAxis(totalSteps, epochEnds);
  }

  #offerTab() {
    if (this.#tab === "certainty") this.#certainty.offer(this.#evaluation);
    if (this.#tab === "story") this.#story.offer(this.#evaluation, this.#image);
  }

  /** @param {Tab} tab */
  #choose(tab) {
    this.#tab = tab;
    for (const [name, button] of this.#tabs) setAttribute(button, "aria-pressed", String(name === tab));
    this.#table.element.hidden = this.#note.hidden = tab !== "scores";
    this.#certainty.element.hidden = tab !== "certainty";
    this.#story.element.hidden = tab !== "story";
    this.#offerTab();
  }
}
