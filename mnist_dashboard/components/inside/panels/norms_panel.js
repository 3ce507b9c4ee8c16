/** The norm of each layer's gradients, or of its weights, over the training, on a logarithmic axis. */
import { make, setAttribute, setText } from "../../lib/dom.js";
import { formatCount, formatLoss } from "../../lib/format.js";
import { drawSvg, label, segment, spreadLabels } from "../../lib/svg.js";
import { palette, runColor } from "../../lib/theme.js";
import { evenTicks, lineOf, logTicks, normAt, normRange, thinLine } from "../model/norm_lines.js";

/** @import { Norms } from "../model/norm_lines.js" */

const MARGIN = { left: 42, right: 56, top: 14, bottom: 36 };
const DASHES = ["", "7 3", "8 3 2 3", "2 3", "12 4", "5 2 1 2 1 2"];
const MOST_POINTS = 240; // of a line: one a pixel
const LABEL_GAP = 14;
/** @type {["gradients", "weights"]} */
const KINDS = ["gradients", "weights"];
const NAMES = { gradients: "Gradient", weights: "Weight" };
const CAPTIONS = {
  gradients: "How hard each layer is pushed to change. Jumps: an unstable run; near 0: it has stopped learning.",
  weights: "How large the weights of each layer are. Lines that keep shooting up: an unstable run.",
};

export class NormsPanel {
  /** @type {"gradients"|"weights"} */
  #kind = "gradients";
  /** @type {Norms|null} */
  #norms = null;
  #step = 0;
  #title = make("h2", "mt-panel-title");
  #choices = KINDS.map((kind) => make("button", "mt-pill", { type: "button", "data-kind": kind }, NAMES[kind]));
  #chart = make("div", "mt-norms-chart", { role: "img" });
  #caption = make("p", "mt-panel-caption");
  #note = make("p", "mt-panel-note");
  element = make("section", "mt-norms", { "aria-label": "Norms by layer" },
    make("div", "mt-panel-head", {}, this.#title, make("div", "mt-pills", { role: "group", "aria-label": "Norm of" }, ...this.#choices)),
    this.#caption, this.#note, this.#chart);

  constructor() {
    KINDS.forEach((kind, n) => this.#choices[n].addEventListener("click", () => {
      this.#kind = kind;
      this.redraw();
    }));
    this.redraw();
  }

  /** Without norms, say why. @param {Norms|null} norms @param {string} note */
  offer(norms, note) {
    this.#norms = norms?.steps.length ? norms : null;
    setText(this.#note, this.#norms ? "" : note);
    this.redraw();
  }

  /** @param {number} step of the evaluation; 0 for none */
  setCursor(step) {
    if (step === this.#step) return;
    this.#step = step;
    this.redraw();
  }

  redraw() {
    const norms = this.#norms;
    setText(this.#title, `${NAMES[this.#kind]} norm by layer`);
    KINDS.forEach((kind, n) => setAttribute(this.#choices[n], "aria-pressed", String(kind === this.#kind)));
    setText(this.#caption, CAPTIONS[this.#kind]);
    this.#note.hidden = Boolean(norms);
    this.#chart.hidden = !norms;
    const { clientWidth: width, clientHeight: height } = this.#chart;
    if (!norms || !width) return;
    setAttribute(this.#chart, "aria-label", this.#describe(norms));
    this.#chart.replaceChildren(this.#draw(norms, width, height));
  }

  /** @param {Norms} norms */
  #describe(norms) {
    const values = norms.layers.map((name, n) => (
      `${name} ${formatLoss(normAt(norms.steps, lineOf(norms[this.#kind], n), this.#step))}`));
    return `${NAMES[this.#kind]} norm by layer at step ${formatCount(this.#step)}: ${values.join(", ")}`;
  }

  /** @param {Norms} norms @param {number} width @param {number} height */
  #draw(norms, width, height) {
    const svg = drawSvg("svg", { width, height, "aria-hidden": "true" });
    const lines = norms.layers.map((_, n) => thinLine(norms.steps, lineOf(norms[this.#kind], n), MOST_POINTS));
    const last = Math.max(1, this.#step, norms.steps.at(-1) ?? 1);
    const [low, high] = normRange(lines);
    const [right, bottom] = [width - MARGIN.right, height - MARGIN.bottom];
    /** @param {number} step */
    const x = (step) => MARGIN.left + ((right - MARGIN.left) * step) / last;
    /** @param {number} value */
    const y = (value) => bottom - ((bottom - MARGIN.top) * Math.log(value / low)) / Math.log(high / low);
    this.#drawAxes(svg, { x, y, right, bottom, last, low, high });
    const colors = palette(this.#chart);
    lines.forEach((points, n) => {
      if (!points.length) return;
      const path = points.map(({ step, value }) => `${x(step).toFixed(1)} ${y(value).toFixed(1)}`).join("L");
      const dash = DASHES[n % DASHES.length];
      const stroke = runColor(colors, n);
      svg.append(drawSvg("path", { d: `M${path}`, fill: "none", stroke, "stroke-width": 1.8, "stroke-dasharray": dash }));
    });
    this.#nameLines(svg, lines.map((points) => (points.length ? y(points[points.length - 1].value) : bottom)), right, bottom);
    if (!this.#step) return svg;
    const cursor = x(Math.min(this.#step, last));
    svg.append(segment(cursor, MARGIN.top - 4, cursor, bottom, colors.text));
    svg.append(drawSvg("path", { d: `M${cursor - 5} ${MARGIN.top - 10}h10l-5 6z`, fill: colors.text }));
    return svg;
  }

  /**
   * @param {SVGElement} svg
   * @param {{x: (step: number) => number, y: (value: number) => number, right: number, bottom: number, last: number, low: number,
   *   high: number}} axes
   */
  #drawAxes(svg, { x, y, right, bottom, last, low, high }) {
    const { grid, line } = palette(this.#chart);
    for (const value of logTicks(low, high)) {
      svg.append(segment(MARGIN.left, y(value), right, y(value), grid));
      svg.append(label(MARGIN.left - 6, y(value) + 4, String(value), "end"));
    }
    svg.append(segment(MARGIN.left, MARGIN.top, MARGIN.left, bottom, line), segment(MARGIN.left, bottom, right, bottom, line));
    for (const step of evenTicks(last)) {
      svg.append(segment(x(step), bottom, x(step), bottom + 4, line));
      svg.append(label(x(step), bottom + 16, formatCount(step), "middle"));
    }
    svg.append(label((MARGIN.left + right) / 2, bottom + 32, "Step (batches trained)", "middle"));
  }

  /** @param {SVGElement} svg @param {number[]} ends of the lines, downwards @param {number} right @param {number} bottom */
  #nameLines(svg, ends, right, bottom) {
    const colors = palette(this.#chart);
    spreadLabels(ends.map((end) => end + 4), LABEL_GAP, bottom + 4).forEach((place, n) => {
      svg.append(segment(right + 4, place - 4, right + 14, place - 4, runColor(colors, n), DASHES[n % DASHES.length]));
      svg.append(label(right + 17, place, this.#norms?.layers[n] ?? "", "start"));
    });
  }
}
