/**
 * The confusion matrix: which digit was read as which, in the test, in another evaluation or over the last batches (live), and the most
 * frequent confusions in words.
 */
import { stream } from "../../feed/client/stream.js";
import { make, setText } from "../lib/dom.js";
import { drawSoon, forgetDrawing } from "../lib/drawing.js";
import { isFinished } from "../lib/runs/status.js";
import { onThemeChange } from "../lib/theme.js";
import { describeConfusions } from "./cells.js";
import { MatrixGrid } from "./grid.js";
import { MatrixControls } from "./matrix_controls.js";
import { listSources } from "./sources.js";

/**
 * @import { Host } from "../lib/types"
 * @import { Cell } from "./cells.js"
 * @typedef {object} MatrixData
 * @property {number|null} run
 * @property {string|null} empty
 * @property {number} height
 */

const COUNTS_MS = 1000; // between two drawings of new counts: nobody reads a hundred of them more often

class ConfusionMatrix {
  #data;
  #host;
  #subscription;
  #controls;
  #stopWatchingTheme;
  /** @type {string|undefined} of the run, at the last drawing */
  #status;
  /** @type {string|null} key of what is shown */
  #source = null;
  #drawnAt = -Infinity;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #drawingCounts;
  #grid = new MatrixGrid((cell) => this.#open(cell));
  #note = make("div", "mt-matrix-note");
  #confusions = make("div");
  #origin = make("div");
  #plot = make("div", "mt-matrix-plot", {},
    this.#grid.element,
    make("div", "mt-matrix-axis mt-matrix-axis-true", { "aria-hidden": "true" }, "True digit"),
    make("div", "mt-matrix-axis mt-matrix-axis-predicted", { "aria-hidden": "true" }, "Predicted digit"),
    this.#note);
  #box;

  /** @param {HTMLElement} root @param {MatrixData} data @param {Host} host */
  constructor(root, data, host) {
    this.#data = data;
    this.#host = host;
    const controls = make("div");
    const words = make("div", "mt-matrix-words", {}, this.#confusions, this.#origin);
    this.#box = make("section", "mt-matrix", { "aria-label": "Confusion matrix" }, controls, this.#plot, words);
    root.append(this.#box);
    this.#controls = new MatrixControls(controls, () => this.#draw());
    this.#subscription = stream.subscribe({
      runs: [],
      onSeries: () => this.#onCounts(),
      onRun: (run) => {
        if (run.id === this.#data.run && run.status !== this.#status) this.#invalidate();
      },
    });
    this.#stopWatchingTheme = onThemeChange(root, () => this.#invalidate());
    document.addEventListener("visibilitychange", this.#invalidate);
    this.update(data, host);
  }

  /** @param {MatrixData} data @param {Host} host */
  update(data, host) {
    this.#data = data;
    this.#host = host;
    this.#plot.style.height = `${data.height}px`;
    this.#subscription.change({ runs: data.run === null ? [] : [data.run] });
    this.#draw();
  }

  destroy() {
    forgetDrawing(this.#draw);
    clearTimeout(this.#drawingCounts);
    document.removeEventListener("visibilitychange", this.#invalidate);
    this.#stopWatchingTheme();
    this.#subscription.close();
    this.#box.remove();
  }

  #invalidate = () => {
    if (!document.hidden) drawSoon(this.#draw);
  };

  /** Show the images of a cell. @param {Cell} cell */
  #open(cell) {
    this.#host.setTriggerValue("open", { run: this.#data.run, cell: cell.join("-"), source: this.#source });
  }

  #onCounts() {
    clearTimeout(this.#drawingCounts);
    this.#drawingCounts = setTimeout(this.#invalidate, this.#drawnAt + COUNTS_MS - performance.now());
  }

  #draw = () => {
    const { run: id, empty } = this.#data;
    const run = stream.run(id);
    this.#status = run?.status;
    this.#drawnAt = performance.now();
    const series = id === null ? undefined : stream.series(id);
    const hasEnded = run !== undefined && (isFinished(run.status) || run.status === "interrupted");
    const shown = this.#controls.offer(id, listSources(series), hasEnded);
    const matrix = shown?.matrix ?? null;
    this.#source = shown?.key ?? null;
    const isLoading = !series && run !== undefined && run.step > 0;
    this.#note.hidden = Boolean(matrix) || isLoading || !empty;
    setText(this.#note, empty ?? "");
    const confusions = matrix ? `Most confused: ${describeConfusions(matrix)}` : "";
    setText(this.#confusions, confusions);
    setText(this.#origin, shown?.label ?? "");
    this.#grid.draw(matrix, this.#controls.isNormalized, shown
      ? `Confusion matrix of ${shown.label}: rows are true digits, columns are predictions. ${confusions}.`
      : `Confusion matrix. ${empty ?? "No data yet."}`);
  };
}

/** @param {HTMLElement} root @param {MatrixData} data @param {Host} host */
export const mount = (root, data, host) => new ConfusionMatrix(root, data, host);
