/** How far the network's certainty can be believed: the reliability curve, and what is right without the least certain images. */
import { requestJson, sentenceOf } from "../../lib/evaluations/requests.js";
import { make, setText } from "../../lib/dom.js";
import { drawSvg } from "../../lib/svg.js";
import { describeCalibration, describeKept } from "../model/certainty_texts.js";

/**
 * @import { Evaluated } from "../../lib/evaluations/run_evaluations.js"
 * @import { Calibration } from "../model/certainty_texts.js"
 */

const [WIDTH, HEIGHT] = [300, 120]; // of a chart, in pixels
const [LEFT, RIGHT, TOP, BOTTOM] = [44, 8, 6, 30]; // margins
const MAX_RADIUS = 7;
const LEAST_SHOWN = 0.5; // of the images, those that stay when half are set aside

/** @param {number} x 0 to 1 */
const across = (x) => LEFT + x * (WIDTH - LEFT - RIGHT);
/** @param {number} y 0 to 1 */
const up = (y) => HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM);

export class Certainty {
  #run;
  /** @type {number|null} */
  #shown = null;
  #reliability = drawSvg("svg", { width: WIDTH, height: HEIGHT, role: "img" });
  #kept = drawSvg("svg", { width: WIDTH, height: HEIGHT, role: "img" });
  #words = [make("p"), make("p")];
  #note = make("p", "mt-panel-note", { hidden: "" });
  #charts = make("div", "mt-certainty-charts", {}, this.#reliability, this.#kept,
    make("div", "mt-certainty-words", { role: "status" }, ...this.#words));
  element = make("div", "mt-certainty", {}, this.#charts, this.#note);

  /** @param {number} run */
  constructor(run) {
    this.#run = run;
  }

  /** Show an evaluation, once its calibration is here. @param {Evaluated|null} evaluation */
  async offer(evaluation) {
    if (evaluation === null || evaluation.id === this.#shown) return;
    this.#shown = evaluation.id;
    try {
      const calibration = await requestJson("calibration.json", { run: this.#run, evaluation: evaluation.id });
      if (this.#shown === evaluation.id) this.#draw(calibration);
    } catch (error) {
      if (this.#shown !== evaluation.id) return;
      this.#charts.hidden = true;
      this.#note.hidden = false;
      setText(this.#note, sentenceOf(error));
      this.#shown = null; // the next time may succeed
    }
  }

  /** @param {Calibration} calibration */
  #draw(calibration) {
    this.#charts.hidden = false;
    this.#note.hidden = true;
    const [calibrationWords, keptWords] = [describeCalibration(calibration), describeKept(calibration)];
    setText(this.#words[0], calibrationWords);
    setText(this.#words[1], keptWords);
    this.#drawReliability(calibration);
    this.#drawKept(calibration);
    this.#reliability.setAttribute("aria-label", `Share that is right by certainty. ${calibrationWords}`);
    this.#kept.setAttribute("aria-label", `Share that is right by share of the images. ${keptWords}`);
  }

  /** @param {Calibration} calibration */
  #drawReliability({ bins }) {
    const most = Math.max(...bins.map(({ images }) => images));
    this.#reliability.replaceChildren(
      ...frame("Share right (up) by certainty of the answer", ["0", "50", "100 %"], ["0", "100 %"]),
      drawSvg("line", { x1: across(0), y1: up(0), x2: across(1), y2: up(1), class: "mt-certainty-ideal" }),
      ...bins.filter(({ images }) => images).map(({ confidence, accuracy, images }) => drawSvg("circle", {
        cx: across(confidence ?? 0), cy: up(accuracy ?? 0), r: 2 + (MAX_RADIUS - 2) * Math.sqrt(images / most), class: "mt-certainty-dot",
      })),
    );
  }

  /** @param {Calibration} calibration */
  #drawKept({ kept }) {
    const shown = kept.filter((entry) => entry.kept >= LEAST_SHOWN);
    const low = Math.min(...shown.map(({ accuracy }) => accuracy), 0.999);
    const points = shown.map((entry) => [across((1 - entry.kept) / (1 - LEAST_SHOWN)), up((entry.accuracy - low) / (1 - low))].join());
    this.#kept.replaceChildren(
      ...frame("Share right (up) without the least certain images", ["0", "25", "50 %"], [(100 * low).toFixed(1), "100 %"]),
      drawSvg("polyline", { points: points.join(" "), class: "mt-certainty-line" }),
    );
  }
}

/** Axes with their labels. @param {string} title @param {string[]} xs @param {string[]} ys */
function frame(title, xs, ys) {
  /** @param {string} content @param {Record<string, string|number>} attributes */
  const text = (content, attributes) => {
    const element = drawSvg("text", attributes);
    element.textContent = content;
    return element;
  };
  return [
    drawSvg("path", { d: `M${across(0)},${up(1)}V${up(0)}H${across(1)}`, class: "mt-certainty-axis" }),
    ...xs.map((label, n) => {
      const anchor = n === xs.length - 1 ? "end" : "middle";
      return text(label, { x: across(n / (xs.length - 1)), y: HEIGHT - 18, "text-anchor": anchor });
    }),
    ...ys.map((label, n) => text(label, { x: LEFT - 5, y: up(n / (ys.length - 1)) + 4, "text-anchor": "end" })),
    text(title, { x: across(0.5), y: HEIGHT - 4, "text-anchor": "middle" }),
  ];
}
