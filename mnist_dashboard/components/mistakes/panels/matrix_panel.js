/** The confusion matrix of one evaluation, whose cells lead to their images. */
import { MatrixGrid } from "../../confusion_matrix/grid.js";
import { make, setAttribute, setText } from "../../lib/dom.js";
import { formatCount } from "../../lib/format.js";

/**
 * @import { Cell } from "../../confusion_matrix/cells.js"
 * @import { Evaluated } from "../../lib/evaluations/run_evaluations.js"
 * @import { Matrix } from "../../lib/types"
 */

export class MatrixPanel {
  #isNormalized = false;
  #redraw = () => {};
  #counts = make("button", "mt-matrix-button", { type: "button" }, "Counts");
  #shares = make("button", "mt-matrix-button", { type: "button" }, "Row %");
  #grid;
  #note = make("div", "mt-matrix-note");
  #words = make("span");
  #evaluate = make("button", "mt-matrix-button", { type: "button" }, "Evaluate now");
  element;

  /** @param {(cell: Cell) => void} onChoose @param {() => void} onEvaluate */
  constructor(onChoose, onEvaluate) {
    this.#grid = new MatrixGrid(onChoose);
    this.#note.append(this.#words, this.#evaluate);
    this.#evaluate.addEventListener("click", () => {
      this.#evaluate.disabled = true; // one press is one evaluation
      onEvaluate();
    });
    const cells = make("div", "mt-matrix-segments", { role: "group", "aria-label": "Cell values" }, this.#counts, this.#shares);
    this.element = make("section", "mt-matrix mt-mistakes-matrix", { "aria-label": "Confusion matrix" },
      make("div", "mt-panel-head", {}, make("h2", "mt-panel-title", {}, "Confusion matrix"), cells),
      make("div", "mt-matrix-plot", {}, this.#grid.element,
        make("div", "mt-matrix-axis mt-matrix-axis-true", { "aria-hidden": "true" }, "True digit"),
        make("div", "mt-matrix-axis mt-matrix-axis-predicted", { "aria-hidden": "true" }, "Predicted digit"),
        this.#note));
    this.#counts.addEventListener("click", () => this.#setNormalized(false));
    this.#shares.addEventListener("click", () => this.#setNormalized(true));
  }

  /**
   * @param {Evaluated|null} evaluation @param {Matrix|null} matrix @param {Cell|null} chosen
   * @param {string} note why there is no matrix @param {boolean} canEvaluate whether the reader can ask for an evaluation
   */
  offer(evaluation, matrix, chosen, note, canEvaluate) {
    this.#redraw = () => {
      const label = evaluation ? `the ${evaluation.split} images at step ${formatCount(evaluation.step)}` : "";
      const name = label ? `Confusion matrix of ${label}: rows are true digits, columns are predictions.` : "Confusion matrix";
      this.#grid.draw(matrix, this.#isNormalized, name);
      this.#grid.mark(chosen);
    };
    this.#redraw();
    setAttribute(this.#counts, "aria-pressed", String(!this.#isNormalized));
    setAttribute(this.#shares, "aria-pressed", String(this.#isNormalized));
    this.#note.hidden = !note || Boolean(matrix);
    setText(this.#words, note);
    this.#evaluate.hidden = !canEvaluate;
    if (!canEvaluate) this.#evaluate.disabled = false;
  }

  /** @param {boolean} isNormalized */
  #setNormalized(isNormalized) {
    this.#isNormalized = isNormalized;
    setAttribute(this.#counts, "aria-pressed", String(!isNormalized));
    setAttribute(this.#shares, "aria-pressed", String(isNormalized));
    this.#redraw();
  }
}
