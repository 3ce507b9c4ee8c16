/** Best so far: the result of each trial in the order of their numbers, and the best of those until then. */
import { make, setAttribute, setText } from "../../lib/dom.js";
import { drawSoon, forgetDrawing } from "../../lib/drawing.js";
import { formatCount } from "../../lib/format.js";
import { palette } from "../../lib/theme.js";
import { TRIAL_LABELS } from "../model/leaderboard_rows.js";
import { resultScale } from "../model/result_scale.js";
import { compareResults, formatLatest, formatResult } from "../../lib/sweeps/results.js";
import { addPath, chartPanel, dot, drawFrame } from "./chart_frame.js";

/** @import { SweepState, Trial } from "../../lib/types" */
/** @typedef {{trial: Trial, value: number, x: number, y: number}} Dot */

const LEAST_TRIALS = 10; // on the axis
const REACH = 14; // pixels between the pointer and a dot that it means

/** @type {[string, string][]} */
const MARKS = [["line", "Best"], ["dot", "Finished"], ["ring", "Pruned"]];

export class BestChart {
  #panel = chartPanel("Best so far", MARKS, "mt-board-best");
  element = this.#panel.element;
  #tip = make("p", "mt-board-tip", { "aria-hidden": "true", hidden: "" });
  /** @type {SweepState|null} */
  #sweep = null;
  /** @type {Dot[]} */
  #dots = [];
  #size = { width: 0, height: 0 }; // as reported: to read it, the browser would have to lay out the page in the midst of a drawing
  #resizing = new ResizeObserver(([{ contentRect }]) => {
    this.#size = contentRect;
    drawSoon(this.draw);
  });

  constructor() {
    const { box } = this.#panel;
    this.element.append(this.#tip);
    box.addEventListener("pointermove", (event) => this.#point(this.#nearest(event)));
    box.addEventListener("pointerleave", () => this.#point(null));
    box.addEventListener("click", (event) => {
      const run = this.#nearest(event)?.trial.runs[0];
      if (run) location.assign(new URL(`./?run=${run.id}`, document.baseURI));
    });
    this.#resizing.observe(box);
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
    const points = pointsOf(sweep);
    setAttribute(box, "aria-label", describe(sweep));
    if (!points.length) {
      this.#dots = [];
      box.replaceChildren(make("p", "mt-board-empty", {}, "No trial has ended yet."));
      return;
    }
    const scale = resultScale(sweep.objective === "accuracy", points.map(({ value }) => value));
    const last = Math.max(LEAST_TRIALS, sweep.max_trials ?? 0, points[points.length - 1].trial.number);
    const frame = drawFrame(box, this.#size, last, "Trial", scale, formatCount);
    this.#dots = points.map(({ trial, value }) => ({ trial, value, x: frame.x(trial.number), y: frame.y(scale.place(value)) }));
    this.#drawDots(frame, bestLine(sweep.objective, this.#dots, frame.right));
    box.replaceChildren(frame.svg);
  };

  /** @param {import("./chart_frame.js").Frame} frame @param {string} line */
  #drawDots({ svg }, line) {
    const { train, ghost, background } = palette(this.#panel.box);
    /** @param {boolean} isCompleted */
    const dots = (isCompleted) =>
      this.#dots.filter(({ trial }) => (trial.status === "completed") === isCompleted).map(({ x, y }) => dot(x, y)).join("");
    const others = dots(false);
    addPath(svg, others, { stroke: ghost, "stroke-width": 8 });
    addPath(svg, others, { stroke: background, "stroke-width": 5 });
    addPath(svg, line, { stroke: train, "stroke-width": 1.8, "stroke-linecap": "butt" });
    const completed = dots(true);
    addPath(svg, completed, { stroke: background, "stroke-width": 8.5 });
    addPath(svg, completed, { stroke: train, "stroke-width": 6.5 });
  }

  /** @param {PointerEvent|MouseEvent} event */
  #nearest({ clientX, clientY }) {
    const { left, top } = this.#panel.box.getBoundingClientRect();
    let nearest = null;
    let least = REACH;
    for (const each of this.#dots) {
      const distance = Math.hypot(each.x - clientX + left, each.y - clientY + top);
      if (distance < least) [nearest, least] = [each, distance];
    }
    return nearest;
  }

  /** @param {Dot|null} pointed */
  #point(pointed) {
    const { box } = this.#panel;
    box.style.cursor = pointed?.trial.runs.length ? "pointer" : "";
    this.#tip.hidden = !pointed;
    if (!pointed || !this.#sweep) return;
    const { trial, value, x, y } = pointed;
    const { objective } = this.#sweep;
    const reached = `${TRIAL_LABELS[trial.status].toLowerCase()} at ${formatLatest(objective, value)}`;
    setText(this.#tip, `Trial ${trial.number}: ${trial.status === "completed" ? formatResult(objective, value) : reached}`);
    this.#tip.style.transform = `translate(${box.offsetLeft + x}px, ${box.offsetTop + y - 10}px) translate(-50%, -100%)`;
  }
}

/** What is drawn of each trial of the search: its result, or what it had reached. @param {SweepState} sweep */
function pointsOf({ objective, trials }) {
  return trials.flatMap((trial) => {
    if (trial.role !== "search" || trial.status === "running") return [];
    // The accuracy of a pruned trial is no time.
    const value = trial.status === "completed" ? trial.value : objective === "time" ? null : trial.latest;
    return value === null ? [] : [{ trial, value }];
  });
}

/**
 * Steps down or up whenever a trial was better than all before.
 * @param {SweepState["objective"]} objective @param {Dot[]} dots @param {number} right
 */
function bestLine(objective, dots, right) {
  let line = "";
  /** @type {Dot|null} */
  let best = null;
  for (const each of dots) {
    if (each.trial.status !== "completed") continue;
    if (best && compareResults(objective, each.value, best.value) >= 0) continue;
    line += line ? `H${each.x.toFixed(1)}V${each.y.toFixed(1)}` : `M${each.x.toFixed(1)} ${each.y.toFixed(1)}`;
    best = each;
  }
  const end = dots.length ? Math.min(right, dots[dots.length - 1].x) : 0;
  return line && `${line}H${end.toFixed(1)}`;
}

/** @param {SweepState} sweep */
function describe(sweep) {
  const best = sweep.best ? `, ${formatResult(sweep.objective, sweep.best.value)} by trial ${sweep.best.trial}` : "";
  return `Best so far after ${sweep.counts.ended} trials${best}. The leaderboard has the results.`;
}
