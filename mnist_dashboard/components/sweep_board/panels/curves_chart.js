/** All trials' curves on validation, dimmed behind that of the best. */
import { make, setAttribute } from "../../lib/dom.js";
import { drawSoon, forgetDrawing } from "../../lib/drawing.js";
import { formatCount } from "../../lib/format.js";
import { label } from "../../lib/svg.js";
import { palette } from "../../lib/theme.js";
import { formatLatest } from "../../lib/sweeps/results.js";
import { resultScale } from "../model/result_scale.js";
import { addPath, chartPanel, dot, drawFrame } from "./chart_frame.js";

/** @import { SweepState, Trial } from "../../lib/types" */
/** @import { Frame } from "./chart_frame.js" */
/** @import { ResultScale } from "../model/result_scale.js" */

/** @type {[string, string][]} */
const MARKS = [["best", "Best"], ["line", "Training"], ["dim", "Finished"], ["dashed", "Pruned"]];
const LABEL_ROOM = 56; // pixels at the end of a curve for its name

export class CurvesChart {
  #panel = chartPanel("Validation of every trial", MARKS, "mt-board-curves");
  element = this.#panel.element;
  /** @type {SweepState|null} */
  #sweep = null;
  #size = { width: 0, height: 0 }; // as reported: to read it, the browser would have to lay out the page in the midst of a drawing
  #resizing = new ResizeObserver(([{ contentRect }]) => {
    this.#size = contentRect;
    drawSoon(this.draw);
  });

  constructor() {
    this.#resizing.observe(this.#panel.box);
  }

  destroy() {
    forgetDrawing(this.draw);
    this.#resizing.disconnect();
  }

  /** @param {SweepState} sweep */
  show(sweep) {
    this.#sweep = sweep;
    drawSoon(this.draw);
  }

  draw = () => {
    const sweep = this.#sweep;
    const { box } = this.#panel;
    if (!sweep || !this.#size.width) return;
    const trials = sweep.trials.filter(({ role, curve }) => role === "search" && curve.length);
    const best = trials.find(({ number }) => number === sweep.best?.trial);
    setAttribute(box, "aria-label", describe(sweep, trials, best));
    if (!trials.length) {
      box.replaceChildren(make("p", "mt-board-empty", {}, "Curves show after the first evaluation of a trial."));
      return;
    }
    const scale = resultScale(sweep.objective !== "loss", trials.flatMap(({ curve }) => curve.map(([, value]) => value)));
    const last = Math.max(...trials.map(({ curve }) => curve[curve.length - 1][0]));
    const frame = drawFrame(box, this.#size, last, "Step (batches trained)", scale, formatCount);
    this.#drawCurves(frame, scale, trials, best);
    box.replaceChildren(frame.svg);
  };

  /** @param {Frame} frame @param {ResultScale} scale @param {Trial[]} trials @param {Trial|undefined} best */
  #drawCurves(frame, scale, trials, best) {
    const { train, test, ghost, background } = palette(this.#panel.box);
    const { svg } = frame;
    /** @param {(trial: Trial) => boolean} isWanted */
    const paths = (isWanted) =>
      trials.filter((trial) => trial !== best && isWanted(trial)).map((trial) => pathOf(trial, frame, scale)).join("");
    addPath(svg, paths(({ status }) => status !== "completed" && status !== "running"),
      { stroke: ghost, "stroke-width": 1, "stroke-opacity": 0.6, "stroke-dasharray": "3 3" });
    addPath(svg, paths(({ status }) => status === "completed"), { stroke: train, "stroke-width": 1, "stroke-opacity": 0.35 });
    addPath(svg, paths(({ status }) => status === "running"), { stroke: train, "stroke-width": 1.5 });
    if (!best) return;
    const path = pathOf(best, frame, scale);
    addPath(svg, path, { stroke: background, "stroke-width": 5 });
    addPath(svg, path, { stroke: test, "stroke-width": 2.5 });
    const [step, value] = best.curve[best.curve.length - 1];
    const [x, y] = [frame.x(step), frame.y(scale.place(value))];
    addPath(svg, dot(x, y), { stroke: test, "stroke-width": 6.5 });
    const name = label(Math.min(x, frame.right - 2), y - 8, `trial ${best.number}`, x > frame.right - LABEL_ROOM ? "end" : "middle");
    name.setAttribute("class", "mt-board-name");
    svg.append(name);
  }
}

/** @param {Trial} trial @param {Frame} frame @param {ResultScale} scale */
function pathOf({ curve }, { x, y }, scale) {
  const points = curve.map(([step, value]) => `${x(step).toFixed(1)} ${y(scale.place(value)).toFixed(1)}`);
  return points.length > 1 ? `M${points.join("L")}` : `M${points[0]}h0.1`;
}

/** @param {SweepState} sweep @param {Trial[]} trials @param {Trial|undefined} best */
function describe(sweep, trials, best) {
  const end = best && `The best, trial ${best.number}, ends at ${formatLatest(sweep.objective, best.latest)}.`;
  return [`Validation of ${trials.length} trials over their steps.`, end].filter(Boolean).join(" ");
}
