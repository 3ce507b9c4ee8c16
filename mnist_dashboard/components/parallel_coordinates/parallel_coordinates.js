/**
 * Parallel coordinates: an axis for each setting and one for the result, a line for each run, coloured by its result. Dragging
 * along an axis keeps only the runs in that range in colour; a click on the axis lets all in again. With the keyboard, arrow
 * keys move a range along the axis that has the focus, and Escape clears it.
 *
 * Drawn here because Plotly's own draws with code that it writes while it runs, which this server's security policy forbids.
 */
import { make, setText } from "../lib/dom.js";
import { mix, palette, watchTheme } from "../lib/theme.js";

/**
 * @typedef {object} Dimension
 * @property {string} label
 * @property {number[]} places of each run, from 0 at the foot to 1
 * @property {[number, string][]} ticks place and text
 */

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { top: 34, bottom: 14, side: 72 };
const LEAST = 0.02; // a shorter drag is a click
const KEY_RANGE = 0.25;

function draw(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

class Parallel {
  #root;
  #svg = draw("svg", { class: "mt-parallel", role: "group", "aria-label": "Settings and result of each run" });
  #status = make("p", "mt-parallel-status", { role: "status" });
  #data;
  #lines = [];
  #ranges = new Map(); // by index of dimension: the places that a run must lie between
  #unwatch;
  #resized;

  constructor(root, data) {
    this.#root = root;
    root.append(this.#svg, this.#status);
    this.#unwatch = watchTheme(root, () => this.#draw());
    this.#resized = new ResizeObserver(() => this.#draw());
    this.#resized.observe(root);
    this.update(data);
  }

  /** @param {{dimensions: Dimension[], names: string[], height: number}} data the last dimension is the result */
  update(data) {
    const labels = (of) => of?.dimensions.map((one) => one.label).join();
    if (labels(data) !== labels(this.#data)) this.#ranges.clear();
    this.#data = data;
    this.#draw();
  }

  destroy() {
    this.#resized.disconnect();
    this.#unwatch();
    this.#svg.remove();
    this.#status.remove();
  }

  #x = (i) => MARGIN.side + (i * (this.#width - 2 * MARGIN.side)) / Math.max(1, this.#data.dimensions.length - 1);
  #y = (place) => this.#data.height - MARGIN.bottom - place * (this.#data.height - MARGIN.top - MARGIN.bottom);

  get #width() {
    return Math.max(this.#root.clientWidth, 110 * this.#data.dimensions.length);
  }

  #draw() {
    const { dimensions, names, height } = this.#data;
    const { sequential } = palette(this.#root);
    this.#svg.setAttribute("width", String(this.#width));
    this.#svg.setAttribute("height", String(height));
    const results = dimensions.at(-1).places;
    this.#lines = names.map((name, run) => {
      const points = dimensions.map(({ places }, i) => `${this.#x(i).toFixed(1)},${this.#y(places[run]).toFixed(1)}`).join(" ");
      const tone = mix(sequential, 0.3 + 0.7 * results[run]); // the palest tones would not be seen on the page
      return draw("polyline", { points, stroke: `rgb(${tone.join()})` }, draw("title", {}, name));
    });
    this.#svg.replaceChildren(draw("g", { class: "mt-parallel-lines" }, ...this.#lines), ...dimensions.map((one, i) => this.#axis(one, i)));
    this.#mark();
  }

  /** @param {Dimension} dimension */
  #axis({ label, ticks }, i) {
    const x = this.#x(i);
    const texts = ticks.map(([place, text]) => draw("text", { x: x - 6, y: this.#y(place) + 4, "text-anchor": "end" }, text));
    const range = draw("rect", { class: "mt-parallel-range", x: x - 7, width: 14, y: 0, height: 0 });
    const catcher = draw("rect", {
      class: "mt-parallel-axis", x: x - 16, width: 32, y: this.#y(1), height: this.#y(0) - this.#y(1),
      tabindex: 0, role: "slider", "aria-label": `Range of ${label}`, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0,
    });
    this.#listen(catcher, i);
    return draw("g", { "data-dimension": i },
      draw("line", { x1: x, x2: x, y1: this.#y(0), y2: this.#y(1) }),
      draw("text", { class: "mt-parallel-label", x, y: 16, "text-anchor": "middle" }, label),
      ...texts, range, catcher);
  }

  #listen(catcher, i) {
    const place = (event) => {
      const box = catcher.getBoundingClientRect();
      return Math.min(1, Math.max(0, (box.bottom - event.clientY) / box.height));
    };
    let from = null;
    catcher.addEventListener("pointerdown", (event) => {
      from = place(event);
      catcher.setPointerCapture(event.pointerId);
    });
    catcher.addEventListener("pointermove", (event) => from !== null && this.#setRange(i, from, place(event)));
    catcher.addEventListener("pointerup", (event) => {
      this.#setRange(i, from, place(event));
      from = null;
    });
    catcher.addEventListener("keydown", (event) => this.#onKey(event, i));
  }

  #onKey(event, i) {
    const step = { ArrowUp: 0.1, ArrowDown: -0.1 }[event.key];
    if (event.key === "Escape") this.#setRange(i, 0, 0);
    else if (step) {
      event.preventDefault();
      const [low] = this.#ranges.get(i) ?? [step > 0 ? -0.1 : 1 - KEY_RANGE + 0.1];
      const moved = Math.min(1 - KEY_RANGE, Math.max(0, low + step));
      this.#setRange(i, moved, moved + KEY_RANGE);
    }
  }

  #setRange(i, a, b) {
    if (Math.abs(a - b) < LEAST) this.#ranges.delete(i);
    else this.#ranges.set(i, [Math.min(a, b), Math.max(a, b)]);
    this.#mark();
  }

  /** Which lines are in colour. */
  #mark() {
    const { dimensions, names } = this.#data;
    const ranges = [...this.#ranges];
    const inside = names.map((_, run) => ranges.every(([i, [low, high]]) => {
      const place = dimensions[i].places[run];
      return place >= low && place <= high;
    }));
    this.#lines.forEach((line, run) => line.classList.toggle("mt-parallel-out", !inside[run]));
    for (const group of this.#svg.querySelectorAll("[data-dimension]")) {
      const [low, high] = this.#ranges.get(Number(group.dataset.dimension)) ?? [0, 0];
      const rect = group.querySelector(".mt-parallel-range");
      rect.setAttribute("y", String(this.#y(high)));
      rect.setAttribute("height", String(this.#y(low) - this.#y(high)));
      group.querySelector(".mt-parallel-axis").setAttribute("aria-valuenow", String(Math.round(50 * (low + high))));
    }
    const count = inside.filter(Boolean).length;
    setText(this.#status, ranges.length ? `${count} of ${names.length} runs lie in the ranges.` : `${names.length} runs. Drag along an axis to keep only some in colour.`);
  }
}

export const mount = (root, data) => new Parallel(root, data);
