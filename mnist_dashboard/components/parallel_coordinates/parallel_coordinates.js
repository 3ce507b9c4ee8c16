/**
 * Parallel coordinates: an axis for each setting and one for the result, a line for each run, coloured by its result. Dragging
 * along an axis keeps only the runs in that range in colour; a click on the axis clears the range. With the keyboard, arrow
 * keys move a range along the axis that has the focus, and Escape clears it.
 *
 * Plotly's own version compiles code while it runs, which this server's security policy forbids.
 */
import { make, setText } from "../lib/dom.js";
import { drawSvg } from "../lib/svg.js";
import { colorAt, onThemeChange, palette } from "../lib/theme.js";

/**
 * @typedef {object} Dimension
 * @property {string} label
 * @property {number[]} places of each run, from 0 at the foot to 1
 * @property {[place: number, text: string][]} ticks
 */

/**
 * @typedef {object} ParallelData
 * @property {Dimension[]} dimensions the last one is the result
 * @property {string[]} names of the runs
 * @property {{label: string, low: string, high: string}} [legend] of the colours, with the result at both ends
 * @property {number} height
 * @property {Kind[]} [kinds] of the runs: the best is drawn above all others, pruned ones below them
 * @property {string} [noun] what the lines stand for, in the plural
 */

/** @typedef {"pruned"|"finished"|"best"} Kind */

const MARGIN = { top: 34, bottom: 14, right: 72 };
const LEAST_LEFT = 72;
const CHARACTER = 6.2; // width of a letter of a tick, about
const PALEST = 0.3; // of the colours: paler ones do not show on the page
const MIN_DRAG = 0.02; // a shorter drag is a click
const KEY_RANGE = 0.25; // width of a range that is moved with the arrow keys
/** @type {Record<string, number>} */
const KEY_STEPS = { ArrowUp: 0.1, ArrowDown: -0.1 };

export class ParallelCoordinates {
  #root;
  #svg = drawSvg("svg", { class: "mt-parallel", role: "group", "aria-label": "Settings and result of each run" });
  #status = make("p", "mt-parallel-status", { role: "status" });
  #bar = make("span", "mt-parallel-bar");
  #low = make("span");
  #high = make("span");
  #label = make("b");
  #legend = make("p", "mt-parallel-legend", {}, this.#label, this.#low, this.#bar, this.#high);
  #data;
  /** @type {SVGPolylineElement[]} by index of the run */
  #lines = [];
  /** @type {Map<string, SVGPolylineElement>} by all that it shows, so that only new ones are made */
  #made = new Map();
  #groups = { pruned: drawSvg("g", {}), finished: drawSvg("g", {}), best: drawSvg("g", {}) };
  #lineGroup = drawSvg("g", { class: "mt-parallel-lines" }, this.#groups.pruned, this.#groups.finished, this.#groups.best);
  /** Of what the axes show: they are only made anew when it changes. */
  #axesKey = "";
  /** @type {{range: SVGRectElement, catcher: SVGRectElement}[]} by index of the dimension */
  #axes = [];
  /** @type {Map<number, [low: number, high: number]>} by index of the dimension, the places that a run must lie between */
  #ranges = new Map();
  #isDragging = false;
  #stopWatchingTheme;
  #resized;
  #width = 0;
  #left = LEAST_LEFT;

  /** @param {HTMLElement} root @param {ParallelData} data */
  constructor(root, data) {
    this.#root = root;
    this.#data = data;
    root.append(make("div", "mt-parallel-box", {}, this.#svg), make("div", "mt-parallel-foot", {}, this.#status, this.#legend));
    this.#stopWatchingTheme = onThemeChange(root, () => this.#draw());
    this.#resized = new ResizeObserver(() => this.#draw());
    this.#resized.observe(root);
    this.update(data);
  }

  /** @param {ParallelData} data */
  update(data) {
    /** @param {ParallelData} data */
    const labels = ({ dimensions }) => dimensions.map(({ label }) => label).join();
    if (labels(data) !== labels(this.#data)) this.#ranges.clear();
    this.#data = data;
    this.#draw();
  }

  destroy() {
    this.#resized.disconnect();
    this.#stopWatchingTheme();
    this.#root.replaceChildren();
  }

  /** @param {number} i index of the dimension */
  #x(i) {
    return this.#left + (i * (this.#width - this.#left - MARGIN.right)) / Math.max(1, this.#data.dimensions.length - 1);
  }

  /** Read the width once for a drawing: while it is being changed, the browser would lay out the page for every point. */
  #measure() {
    const { dimensions } = this.#data;
    this.#width = Math.max(this.#root.clientWidth, 110 * dimensions.length);
    // Room for the labels of the first axis.
    this.#left = Math.max(LEAST_LEFT, ...dimensions[0].ticks.map(([, text]) => CHARACTER * text.length + 12));
  }

  /** @param {number} place from 0 to 1 */
  #y(place) {
    return this.#data.height - MARGIN.bottom - place * (this.#data.height - MARGIN.top - MARGIN.bottom);
  }

  #draw() {
    if (this.#isDragging) return; // the end of it draws
    this.#measure();
    const { legend, height } = this.#data;
    const { sequential } = palette(this.#root);
    /** @param {number} share of the way from the lowest result to the highest */
    const tone = (share) => `rgb(${colorAt(sequential, PALEST + (1 - PALEST) * share).join()})`;
    this.#bar.style.background = `linear-gradient(90deg, ${[0, 0.25, 0.5, 0.75, 1].map(tone).join()})`;
    this.#legend.hidden = !legend;
    setText(this.#label, legend?.label ?? "");
    setText(this.#low, legend?.low ?? "");
    setText(this.#high, legend?.high ?? "");
    this.#svg.setAttribute("width", String(this.#width));
    this.#svg.setAttribute("height", String(height));
    this.#drawLines(tone);
    this.#drawAxes();
    this.#markRuns();
  }

  /** @param {(share: number) => string} tone */
  #drawLines(tone) {
    const { dimensions, names, kinds } = this.#data;
    const results = dimensions[dimensions.length - 1].places;
    const before = this.#made;
    this.#made = new Map();
    this.#lines = names.map((name, run) => {
      const points = dimensions.map(({ places }, i) => `${this.#x(i).toFixed(1)},${this.#y(places[run]).toFixed(1)}`).join(" ");
      const kind = kinds?.[run] ?? "finished";
      const style = { class: `mt-parallel-${kind}`, stroke: tone(results[run]), points };
      const key = [name, kind, style.stroke, points].join("|");
      let line = before.get(key);
      if (!line) {
        line = drawSvg("polyline", style, drawSvg("title", {}, name));
        this.#groups[kind].append(line);
      }
      before.delete(key);
      this.#made.set(key, line);
      return line;
    });
    for (const line of before.values()) line.remove();
  }

  #drawAxes() {
    const { dimensions, height } = this.#data;
    const key = JSON.stringify([this.#width, height, dimensions.map(({ label, ticks }) => [label, ticks])]);
    if (key === this.#axesKey) return;
    this.#axesKey = key;
    const focused = this.#axes.findIndex(({ catcher }) => catcher === document.activeElement);
    this.#axes = dimensions.map((_, i) => this.#makeRange(i));
    this.#svg.replaceChildren(this.#lineGroup, ...dimensions.map((dimension, i) => this.#axis(dimension, i)));
    this.#axes[focused]?.catcher.focus();
  }

  /** The range on an axis, and the area that the pointer drags along. @param {number} i index of the dimension */
  #makeRange(i) {
    const x = this.#x(i);
    const { label } = this.#data.dimensions[i];
    const range = drawSvg("rect", { class: "mt-parallel-range", x: x - 7, width: 14, y: 0, height: 0 });
    const catcher = drawSvg("rect", {
      class: "mt-parallel-axis", x: x - 16, width: 32, y: this.#y(1), height: this.#y(0) - this.#y(1),
      tabindex: 0, role: "slider", "aria-label": `Range of ${label}`, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0,
    });
    this.#listen(catcher, i);
    return { range, catcher };
  }

  /** @param {Dimension} dimension @param {number} i its index */
  #axis({ label, ticks }, i) {
    const x = this.#x(i);
    const { range, catcher } = this.#axes[i];
    const isLast = i === this.#data.dimensions.length - 1; // its long title must not leave the page
    const texts = ticks.map(([place, text]) => drawSvg("text", { x: x - 6, y: this.#y(place) + 4, "text-anchor": "end" }, text));
    return drawSvg("g", {},
      drawSvg("line", { x1: x, x2: x, y1: this.#y(0), y2: this.#y(1) }),
      drawSvg("text", { class: "mt-parallel-label", x: isLast ? this.#width : x, y: 16, "text-anchor": isLast ? "end" : "middle" }, label),
      ...texts, range, catcher);
  }

  /** @param {SVGRectElement} catcher @param {number} i index of the dimension */
  #listen(catcher, i) {
    /** @param {PointerEvent} event */
    const placeOf = (event) => {
      const box = catcher.getBoundingClientRect();
      return Math.min(1, Math.max(0, (box.bottom - event.clientY) / box.height));
    };
    /** @type {number|null} */
    let from = null;
    /** @param {PointerEvent} event */
    const drag = (event) => {
      if (from !== null) this.#setRange(i, from, placeOf(event));
    };
    catcher.addEventListener("pointerdown", (event) => {
      from = placeOf(event);
      this.#isDragging = true;
      catcher.setPointerCapture(event.pointerId);
    });
    catcher.addEventListener("pointermove", drag);
    const end = () => {
      from = null;
      this.#isDragging = false;
      this.#draw();
    };
    catcher.addEventListener("pointerup", (event) => {
      drag(event);
      end();
    });
    catcher.addEventListener("pointercancel", end);
    catcher.addEventListener("keydown", (event) => this.#onKey(event, i));
  }

  /** @param {KeyboardEvent} event @param {number} i index of the dimension */
  #onKey(event, i) {
    const step = KEY_STEPS[event.key];
    if (event.key === "Escape") this.#setRange(i, 0, 0);
    if (!step) return;
    event.preventDefault();
    const low = this.#ranges.get(i)?.[0] ?? (step > 0 ? 0 : 1 - KEY_RANGE) - step; // the first range is at an end
    const moved = Math.min(1 - KEY_RANGE, Math.max(0, low + step));
    this.#setRange(i, moved, moved + KEY_RANGE);
  }

  /** @param {number} i index of the dimension @param {number} a @param {number} b */
  #setRange(i, a, b) {
    if (Math.abs(a - b) < MIN_DRAG) this.#ranges.delete(i);
    else this.#ranges.set(i, [Math.min(a, b), Math.max(a, b)]);
    this.#markRuns();
  }

  /** Colour the lines of runs that lie in all ranges. */
  #markRuns() {
    const { dimensions, names } = this.#data;
    const ranges = [...this.#ranges];
    const isInside = names.map((_, run) => ranges.every(([i, [low, high]]) => {
      const place = dimensions[i].places[run];
      return place >= low && place <= high;
    }));
    this.#lines.forEach((line, run) => line.classList.toggle("mt-parallel-out", !isInside[run]));
    this.#axes.forEach(({ range, catcher }, i) => {
      const [low, high] = this.#ranges.get(i) ?? [0, 0];
      range.setAttribute("y", String(this.#y(high)));
      range.setAttribute("height", String(this.#y(low) - this.#y(high)));
      catcher.setAttribute("aria-valuenow", String(Math.round(50 * (low + high))));
    });
    const count = isInside.filter(Boolean).length;
    const noun = this.#data.noun ?? "runs";
    setText(this.#status, ranges.length
      ? `${count} of ${names.length} ${noun} lie in the ranges.`
      : `${names.length} ${noun}. Drag along an axis to keep only some in colour.`);
  }
}

/** @param {HTMLElement} root @param {ParallelData} data */
export const mount = (root, data) => new ParallelCoordinates(root, data);
