/**
 * The digit's story: ten curves of probability over the snapshots of a run, as a small SVG. Digits that stand out are named at their
 * ends, and in the colour of the run, as in the bars: dashes tell them apart.
 */
import { make } from "../../lib/dom.js";
import { formatCount } from "../../lib/format.js";
import { drawSvg, label, segment, spreadLabels } from "../../lib/svg.js";
import { palette, runColor } from "../../lib/theme.js";
import { leadingDigits, stepTicks, tellStory } from "./story_model.js";

/** @import { Story } from "./story_model.js" */

const MARGIN = { left: 52, right: 30, top: 24, bottom: 38 };
const DASHES = ["", "7 3", "3 3"];
const LABEL_GAP = 14;
const EPOCH_GAP = 50; // pixels between two labels of epochs
const CHANCE = 0.1;
const CHANCE_DASH = "9 3 1 3"; // no digit has it

export class StoryChart {
  element = make("div", "mt-story-chart", { role: "img" });
  /** @type {Story|null} */
  #story = null;
  #totalSteps = 2;
  /** @type {number[]} */
  #epochs = [];
  #resizing = new ResizeObserver(() => this.draw());

  constructor() {
    this.#resizing.observe(this.element);
  }

  destroy() {
    this.#resizing.disconnect();
  }

  /** @param {number} totalSteps @param {number[]} epochs steps at which they end */
  setAxis(totalSteps, epochs) {
    this.#totalSteps = Math.max(2, totalSteps);
    this.#epochs = epochs;
    this.draw();
  }

  /** @param {Story|null} story */
  show(story) {
    this.#story = story?.steps.length ? story : null;
    this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width) return;
    const svg = drawSvg("svg", { width, height, "aria-hidden": "true" });
    const last = Math.max(this.#totalSteps, this.#story?.steps.at(-1) ?? 1);
    const right = width - MARGIN.right;
    const bottom = height - MARGIN.bottom;
    /** @param {number} step */
    const x = (step) => MARGIN.left + (right - MARGIN.left) * (Math.log(Math.max(1, step)) / Math.log(last));
    /** @param {number} share */
    const y = (share) => bottom - (bottom - MARGIN.top) * share;
    this.#drawAxes(svg, x, y, last, { right, bottom });
    if (this.#story) this.#drawCurves(svg, this.#story, x, y, bottom);
    this.element.setAttribute("aria-label", this.#story ? `The digit’s story. ${tellStory(this.#story)}` : "The digit’s story, empty");
    this.element.replaceChildren(svg);
  }

  /**
   * @param {SVGElement} svg @param {(step: number) => number} x @param {(share: number) => number} y @param {number} last
   * @param {{right: number, bottom: number}} edges
   */
  #drawAxes(svg, x, y, last, { right, bottom }) {
    const { grid, line, muted } = palette(this.element);
    for (const share of [0, 0.5, 1]) {
      svg.append(segment(MARGIN.left, y(share), right, y(share), share ? grid : line));
      svg.append(label(MARGIN.left - 6, y(share) + 4, `${100 * share}\u202f%`, "end"));
    }
    svg.append(segment(MARGIN.left, y(1), MARGIN.left, bottom, line));
    for (const step of stepTicks(last)) {
      svg.append(segment(x(step), bottom, x(step), bottom + 4, line));
      svg.append(label(x(step), bottom + 17, formatCount(step), "middle"));
    }
    const middle = (MARGIN.left + right) / 2;
    svg.append(label(middle, bottom + 34, "Step (batches trained)", "middle"));
    const turned = label(0, 0, "Probability", "middle");
    turned.setAttribute("transform", `translate(12 ${(y(0) + y(1)) / 2}) rotate(-90)`);
    svg.append(turned);
    let free = MARGIN.left + EPOCH_GAP;
    this.#epochs.forEach((step, i) => {
      if (step > last) return;
      svg.append(segment(x(step), y(1), x(step), bottom, line, "2 3"));
      if (x(step) < free) return;
      svg.append(label(x(step), y(1) - 6, `epoch ${i + 1}`, "end"));
      free = x(step) + EPOCH_GAP;
    });
    svg.append(segment(MARGIN.left, y(CHANCE), right, y(CHANCE), muted, CHANCE_DASH));
    svg.append(label(MARGIN.left - 6, y(CHANCE) + 2, "chance", "end"));
  }

  /**
   * @param {SVGElement} svg @param {Story} story @param {(step: number) => number} x @param {(share: number) => number} y
   * @param {number} bottom
   */
  #drawCurves(svg, story, x, y, bottom) {
    const colors = palette(this.element);
    const { ghost, background } = colors;
    const color = runColor(colors, 0);
    const leading = leadingDigits(story);
    const others = [...Array(10).keys()].filter((digit) => !leading.includes(digit));
    for (const digit of [...others, ...leading.toReversed()]) {
      const place = leading.indexOf(digit);
      const points = story.steps.map((step, i) => `${x(step).toFixed(1)} ${y(story.probabilities[i][digit]).toFixed(1)}`);
      svg.append(drawSvg("path", {
        d: `M${points.join("L")}`,
        fill: "none",
        stroke: place < 0 ? ghost : color,
        "stroke-width": place < 0 ? 1 : 2.2,
        "stroke-opacity": place < 0 ? 0.6 : 1,
        "stroke-dasharray": place < 0 ? "" : DASHES[place],
        "stroke-linejoin": "round",
      }));
    }
    story.steps.forEach((step, i) => {
      const share = story.probabilities[i][leading[0]];
      svg.append(drawSvg("circle", { cx: x(step), cy: y(share), r: 3.5, fill: color, stroke: background, "stroke-width": 1 }));
    });
    const end = story.steps.length - 1;
    const places = spreadLabels(leading.map((digit) => y(story.probabilities[end][digit]) + 4), LABEL_GAP, bottom + 4);
    leading.forEach((digit, i) => {
      const name = label(x(story.steps[end]) + 8, places[i], String(digit), "start");
      name.setAttribute("style", "fill: var(--st-blue-text-color); font-weight: 600");
      svg.append(name);
    });
  }
}
