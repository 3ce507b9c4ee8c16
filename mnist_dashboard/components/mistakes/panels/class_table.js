/** Precision, recall and F1 of each digit. Its digits run like those of the matrix; where there is little room it is turned. */
import { make, setAttribute, setText } from "../../lib/dom.js";
import { formatCount } from "../../lib/format.js";
import { averageScores, scoreClasses } from "../model/class_scores.js";

/**
 * @import { Matrix } from "../../lib/types"
 * @import { ClassScores } from "../model/class_scores.js"
 * @typedef {"precision"|"recall"|"f1"} Score
 */

const DIGITS = Array.from({ length: 10 }, (_, digit) => String(digit));
/** @type {{name: Score|"images"|"confused", label: string, help: string}[]} */
const ROWS = [
  { name: "precision", label: "Precision", help: "Of the images read as this digit, the share that are it." },
  { name: "recall", label: "Recall", help: "Of the images of this digit, the share that are read right." },
  { name: "f1", label: "F1", help: "Harmonic mean of precision and recall." },
  { name: "images", label: "Images", help: "Images of this digit." },
  { name: "confused", label: "Most read as", help: "What it is most often taken for, and how often." },
];

export class ClassTable {
  #columns = [...DIGITS, "Mean", "Weighted"];
  #cells = ROWS.map(() => this.#columns.map(() => make("td")));
  #heads = this.#columns.map((name) => make("th", "", { scope: "col" }, name));
  #rows = ROWS.map(({ label, help }, row) => make("tr", "", {},
    make("th", "", { scope: "row", title: help }, label), ...this.#cells[row]));
  #table = make("table", "mt-classes", {}, make("caption", "mt-visually-hidden", {}, "Scores by digit"),
    make("thead", "", {}, make("tr", "", {}, make("th", "", { scope: "col" }, "Digit"), ...this.#heads)),
    make("tbody", "", {}, ...this.#rows));
  element = make("div", "mt-classes-box", {}, this.#table);

  constructor() {
    this.#heads[10].title = "Mean over the digits, each counted alike (macro average).";
    this.#heads[11].title = "Mean over the digits, each weighted by its images.";
  }

  /** @param {Matrix|null} matrix @param {number|null} chosen digit of the choice */
  offer(matrix, chosen) {
    const scores = matrix ? scoreClasses(matrix) : null;
    ROWS.forEach(({ name }, row) => {
      const texts = scores ? rowTexts(scores, name) : this.#columns.map(() => "");
      const lowest = scores && name !== "images" && name !== "confused" ? lowestDigit(scores, name) : -1;
      texts.forEach((text, column) => {
        const cell = this.#cells[row][column];
        setText(cell, text);
        cell.toggleAttribute("data-lowest", column === lowest);
        setAttribute(cell, "title", column === lowest ? "Lowest of the row" : null);
        cell.toggleAttribute("data-chosen", column === chosen);
      });
    });
    this.#heads.forEach((head, column) => head.toggleAttribute("data-chosen", column === chosen));
  }
}

/** @param {ClassScores[]} scores @param {Score|"images"|"confused"} name */
function rowTexts(scores, name) {
  if (name === "images") {
    const total = scores.reduce((sum, { images }) => sum + images, 0);
    return [...scores.map(({ images }) => formatCount(images)), "", formatCount(total)];
  }
  if (name === "confused") {
    const texts = scores.map(({ confusedWith: most }) => (most ? `${most.digit} (${formatCount(most.images)})` : "–"));
    return [...texts, "", ""];
  }
  const { macro, weighted } = averageScores(scores, name);
  return [...scores.map((score) => score[name]), macro, weighted].map(formatShare);
}

/** @param {ClassScores[]} scores @param {Score} name */
function lowestDigit(scores, name) {
  const values = scores.map((score) => score[name] ?? Infinity);
  const lowest = Math.min(...values);
  return values.every((value) => value === lowest) ? -1 : values.indexOf(lowest);
}

/** A tenth of a percent: 97.8 %. @param {number|null} share */
function formatShare(share) {
  return share === null ? "–" : `${(100 * share).toFixed(1)}\u202f%`;
}
