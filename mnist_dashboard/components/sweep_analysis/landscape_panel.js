/** How good the trials are over two settings: a smoothed map in bands of colour, and the trials themselves as points. */
import { make, setText } from "../lib/dom.js";
import { drawSvg } from "../lib/svg.js";
import { colorAt, palette } from "../lib/theme.js";
import { parameterAxis } from "./model/axes.js";
import { makeLandscape, makeStripes } from "./model/landscape.js";

/**
 * @import { SweepState } from "../lib/types"
 * @import { Axis } from "./model/axes.js"
 * @import { Judged } from "./model/trials.js"
 */

const HEIGHT = 260;
const MARGIN = { right: 10, top: 8, bottom: 40 };
const LEAST_WIDTH = 160;
const LEAST_LEFT = 56;
const CHARACTER = 6; // width of a letter of a tick, about
const TITLE = 24; // room for the title of the axis to the left
const BANDS = 8; // colours between the worst and the best
const PALEST = 0.05; // of the scale of colours
const DARKEST = 0.85;
const GOLDEN = 0.618034; // spreads points of one value over its bin
const SPREAD = 0.6; // of a bin

export class LandscapePanel {
  /** @type {SweepState|null} */
  #sweep = null;
  /** @type {Judged[]} */
  #judged = [];
  /** @type {string[]} labels of the settings, the most important first */
  #preferred = [];
  #hasChosen = false;
  #x = make("select", "mt-landscape-choice", { "aria-label": "Setting to the right" });
  #y = make("select", "mt-landscape-choice", { "aria-label": "Setting upwards" });
  #svg = drawSvg("svg", { class: "mt-landscape", height: HEIGHT, role: "img" });
  #sentence = make("p", "mt-analysis-note");
  #bar = make("span", "mt-landscape-bar");
  #legend = make("p", "mt-landscape-legend", {}, "worst", this.#bar, "best", make("span", "mt-landscape-best"), "best trial");
  element = make("section", "mt-landscape-panel", { "aria-label": "Two settings" },
    make("div", "mt-analysis-head", {},
      make("h2", "", {}, "Two settings"), make("div", "mt-landscape-choices", {}, this.#x, "and", this.#y)),
    this.#svg, make("div", "mt-landscape-foot", {}, this.#sentence, this.#legend));

  #resized = new ResizeObserver(() => this.draw());

  constructor() {
    this.#resized.observe(this.element);
    for (const select of [this.#x, this.#y]) {
      select.addEventListener("change", () => {
        this.#hasChosen = true;
        this.#keepApart(select);
        this.draw();
      });
    }
  }

  destroy() {
    this.#resized.disconnect();
  }

  /** @param {boolean} isShown */
  setShown(isShown) {
    this.element.hidden = !isShown || (this.#sweep?.parameters.length ?? 0) < 2;
  }

  /** Show the most important settings, until the reader chooses others. @param {string[]} labels */
  prefer(labels) {
    this.#preferred = labels;
    if (this.#hasChosen || !this.#sweep) return;
    this.#choose();
    this.draw();
  }

  /** @param {SweepState} sweep @param {Judged[]} judged */
  show(sweep, judged) {
    const isFirst = !this.#sweep;
    this.#sweep = sweep;
    this.#judged = judged;
    this.setShown(true);
    if (isFirst) {
      for (const select of [this.#x, this.#y]) {
        select.append(...sweep.parameters.map(({ name, label }) => make("option", "", { value: name }, label)));
      }
      this.#choose();
    }
    this.draw();
  }

  /** Choose the two most important settings; the first ones as long as that is not known. */
  #choose() {
    const { parameters } = this.#sweep ?? { parameters: [] };
    const place = (/** @type {string} */ label) => (this.#preferred.indexOf(label) + 1) || this.#preferred.length + 1;
    const [x, y] = parameters.toSorted((a, b) => place(a.label) - place(b.label));
    if (x) this.#x.value = x.name;
    if (y) this.#y.value = y.name;
  }

  /** Choose another setting in the other list if both have the same. @param {HTMLSelectElement} changed */
  #keepApart(changed) {
    const other = changed === this.#x ? this.#y : this.#x;
    if (other.value === changed.value) other.value = this.#sweep?.parameters.find(({ name }) => name !== changed.value)?.name ?? "";
  }

  draw() {
    const [x, y] = [this.#x, this.#y].map(({ value }) => this.#sweep?.parameters.find(({ name }) => name === value));
    const width = this.element.clientWidth;
    if (!x || !y || width < LEAST_WIDTH) return; // the page is not laid out yet
    const axes = { x: parameterAxis(x), y: parameterAxis(y) };
    const points = this.#judged.map(({ trial: { values }, rank }) => (
      { x: axes.x.placeOf(values[x.name]), y: axes.y.placeOf(values[y.name]), rank }));
    const landscape = makeLandscape(points, axes.x.bins, axes.y.bins);
    const { sequential, background } = palette(this.#svg);
    const tone = (/** @type {number} */ band) =>
      `rgb(${colorAt(sequential, PALEST + ((DARKEST - PALEST) * band) / (BANDS - 1)).join()})`;
    const plot = placePlot(width, axes.y);
    const { columns, rows } = landscape;
    const stripes = makeStripes(landscape, BANDS).map(({ band, row, from, to }) => drawSvg("rect", {
      x: plot.right(from / columns), y: plot.up((row + 1) / rows),
      width: (plot.width * (to - from)) / columns + 0.5, height: plot.height / rows + 0.5, fill: tone(band),
    }));
    const edge = (/** @type {number} */ band) => `${(100 * band) / BANDS}%`;
    const stops = Array.from({ length: BANDS }, (_, band) => `${tone(band)} ${edge(band)} ${edge(band + 1)}`);
    this.#bar.style.background = `linear-gradient(90deg, ${stops.join()})`;
    this.#svg.setAttribute("width", String(width));
    this.#svg.replaceChildren(
      drawSvg("g", { "shape-rendering": "crispEdges" }, ...stripes),
      ...drawAxes(axes.x, axes.y, plot),
      ...this.#drawTrials(points, axes, plot, background),
    );
    const [xName, yName] = [x.label.toLowerCase(), y.label.toLowerCase()];
    const sentence = landscape.best
      ? `Best near ${xName} ${axes.x.textAt(landscape.best[0])}, ${yName} ${axes.y.textAt(landscape.best[1])}.` : "";
    setText(this.#sentence, sentence);
    this.#svg.setAttribute("aria-label", `Trials over ${xName} and ${yName}. ${sentence}`);
  }

  /** @param {{x: number, y: number}[]} points @param {{x: Axis, y: Axis}} axes @param {Plot} plot @param {string} background */
  #drawTrials(points, axes, plot, background) {
    const circles = this.#judged.map(({ trial, kind }, i) => {
      const [x, y] = [scatter(points[i].x, axes.x.bins, trial.number), scatter(points[i].y, axes.y.bins, trial.number * GOLDEN)];
      const values = [axes.x.textAt(points[i].x), axes.y.textAt(points[i].y)].join(", ");
      const style = { class: `mt-landscape-trial mt-landscape-${kind}`, stroke: background };
      return drawSvg("circle", { ...style, cx: plot.right(x), cy: plot.up(y), r: kind === "best" ? 6 : 3.5 },
        drawSvg("title", {}, `Trial ${trial.number}: ${values}`));
    });
    const best = this.#judged.findIndex(({ kind }) => kind === "best");
    return best < 0 ? circles : [...circles.filter((_, i) => i !== best), circles[best]];
  }
}

/** @typedef {ReturnType<typeof placePlot>} Plot */

/** Where the plot lies, beside the labels of the axis to its left. @param {number} total width @param {Axis} y */
function placePlot(total, y) {
  const left = Math.max(LEAST_LEFT, TITLE + CHARACTER * Math.max(...y.ticks.map(([, text]) => text.length)));
  const [width, height] = [total - left - MARGIN.right, HEIGHT - MARGIN.top - MARGIN.bottom];
  const right = (/** @type {number} */ place) => left + place * width;
  const up = (/** @type {number} */ place) => MARGIN.top + (1 - place) * height;
  return { left, width, height, right, up };
}

/**
 * A place within the bin of a value, so that trials with the same value do not hide each other.
 * @param {number} place @param {number|null} bins @param {number} number of the trial
 */
function scatter(place, bins, number) {
  return bins ? place + (((number * GOLDEN) % 1) - 0.5) * (SPREAD / bins) : place;
}

/** @param {Axis} x @param {Axis} y @param {Plot} plot @returns {SVGElement[]} */
function drawAxes(x, y, { left, width, height, right, up }) {
  const tick = (/** @type {string} */ text, /** @type {Record<string, string|number>} */ place) => drawSvg("text", place, text);
  const [middle, turn] = [{ "text-anchor": "middle" }, `rotate(-90 12 ${up(0.5)})`];
  return [
    drawSvg("rect", { class: "mt-landscape-frame", x: left, y: MARGIN.top, width, height }),
    ...x.ticks.map(([place, text]) => tick(text, { x: right(place), y: up(0) + 15, "text-anchor": place > 0.97 ? "end" : "middle" })),
    ...y.ticks.map(([place, text]) => tick(text, { x: left - 6, y: Math.max(MARGIN.top + 8, up(place) + 4), "text-anchor": "end" })),
    tick(x.label, { class: "mt-landscape-title", x: right(0.5), y: HEIGHT - 6, ...middle }),
    tick(y.label, { class: "mt-landscape-title", x: 12, y: up(0.5), transform: turn, ...middle }),
  ];
}
